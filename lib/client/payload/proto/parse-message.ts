import { DtmArgumentError, isJsonObject } from '../../../protocol/internal.js';
import { describeValue } from '../../../support/describe-value.js';
import type { FieldDescriptor } from './descriptor-proto.js';
import type { MessageType, ProtoTypes } from './proto-types.js';

const REPEATED = 3;

const MESSAGES: ReadonlySet<number> = new Set([10, 11]);
const ENUM = 14;

type Check = (value: unknown) => boolean;

/** A type with its name in error messages, and its check. */
type Scalar = readonly [name: string, accepts: Check];

const NUMBER: Scalar = ['a number', (value) => typeof value === 'number'];
const INT32: Scalar = ['a 32-bit integer', (value) => isInteger(value, -(2 ** 31), 2 ** 31)];
const UINT32: Scalar = ['a 32-bit integer, 0 or more', (value) => isInteger(value, 0, 2 ** 32)];
const INT64: Scalar = ['a 64-bit integer', (value) => isLong(value, -(2n ** 63n), 2n ** 63n)];
const UINT64: Scalar = ['a 64-bit integer, 0 or more', (value) => isLong(value, 0n, 2n ** 64n)];

/** The scalar types by their numbers in descriptors. */
const SCALARS: Readonly<Record<number, Scalar>> = {
  1: NUMBER,
  2: NUMBER,
  3: INT64,
  4: UINT64,
  5: INT32,
  6: UINT64,
  7: UINT32,
  8: ['true or false', (value) => typeof value === 'boolean'],
  9: ['a string', (value) => typeof value === 'string'],
  12: ['bytes', (value) => value instanceof Uint8Array],
  13: UINT32,
  15: INT32,
  16: INT64,
  17: INT32,
  18: INT64,
};

/**
 * Checks an object against the type of its message. Libraries silently drop unknown fields, and convert values of a wrong
 * type. Fields that are undefined or null count as not set.
 *
 * @param type - of the message
 * @param path - of the object in the payload. @default '' the whole payload
 * @returns a copy that the library understands: bigints become strings
 * @throws DtmArgumentError naming the field, the expected type and the value
 */
export function parseMessage(types: ProtoTypes, type: MessageType, value: unknown, path: string = ''): object {
  if (!isJsonObject(value) || value instanceof Uint8Array) {
    throw refusal(path, `must be an object, a ${type.name}`, value);
  }
  const message: Record<string, unknown> = {};
  const setOneofs = new Map<number, string>();
  for (const [name, own] of Object.entries(value)) {
    if (own === undefined || own === null) continue;
    const field = type.fields.get(name);
    // decoded objects have this property, which names the field of the group that is set
    if (!field && type.oneofs.includes(name)) continue;
    const at = path === '' ? name : `${path}.${name}`;
    if (!field) throw unknownField(at, type);
    if (field.oneofIndex !== undefined) {
      const other = setOneofs.get(field.oneofIndex);
      if (other !== undefined) throw new DtmArgumentError(`payload: only one of ${other} and ${at} may be set`);
      setOneofs.set(field.oneofIndex, at);
    }
    message[name] = parseField(types, type, field, own, at);
  }
  return message;
}

function parseField(
  types: ProtoTypes,
  owner: MessageType,
  field: FieldDescriptor,
  value: unknown,
  path: string,
): unknown {
  if (field.label !== REPEATED) return parseValue(types, owner, field, value, path);
  const entry = MESSAGES.has(field.type) ? types.message(field.typeName, owner.name) : undefined;
  if (entry?.isMapEntry) return parseMap(types, entry, value, path);
  if (!Array.isArray(value)) throw refusal(path, 'must be an array', value);
  return value.map((item, index) => parseValue(types, owner, field, item, `${path}[${index}]`));
}

function parseMap(types: ProtoTypes, entry: MessageType, value: unknown, path: string): object {
  if (!isJsonObject(value)) {
    throw refusal(path, 'must be an object, a map', value);
  }
  const [keys, values] = [entry.fields.get('key')!, entry.fields.get('value')!];
  return Object.fromEntries(
    Object.entries(value).map(([key, own]) => {
      // keys of objects are strings, whatever the type of the map says
      if (!isKey(keys.type, key))
        throw refusal(`${path}[${key}]`, `must have a key that is ${SCALARS[keys.type]![0]}`, key);
      return [key, parseValue(types, entry, values, own, `${path}[${key}]`)];
    }),
  );
}

function parseValue(
  types: ProtoTypes,
  owner: MessageType,
  { type, typeName }: FieldDescriptor,
  value: unknown,
  path: string,
): unknown {
  if (MESSAGES.has(type)) return parseMessage(types, types.message(typeName, owner.name)!, value, path);
  if (type === ENUM) {
    const names = types.enumNames(typeName, owner.name)!;
    if (typeof value === 'string' ? names.has(value) : INT32[1](value)) return value;
    throw refusal(path, `must be one of ${[...names].join(', ')}, or a number`, value);
  }
  const [name, accepts] = SCALARS[type]!;
  if (!accepts(value)) throw refusal(path, `must be ${name}`, value);
  return typeof value === 'bigint' ? value.toString() : value;
}

function isKey(type: number, key: string): boolean {
  const [, accepts] = SCALARS[type]!;
  if (type === 8) return key === 'true' || key === 'false';
  if (type === 9) return true;
  return /^-?\d+$/.test(key) && (accepts(key) || accepts(Number(key)));
}

/** Whether `min <= value < end`. */
function isInteger(value: unknown, min: number, end: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) < end;
}

/** Accepts an exact number, a bigint, a string of digits, or a Long of the library. */
function isLong(value: unknown, min: bigint, end: bigint): boolean {
  if (typeof value === 'object' && value !== null && 'low' in value && 'high' in value) {
    return Number.isInteger(value.low) && Number.isInteger(value.high);
  }
  const isExact =
    typeof value === 'bigint' ||
    Number.isSafeInteger(value) ||
    (typeof value === 'string' && /^-?\d{1,20}$/.test(value));
  if (!isExact) return false;
  const number = BigInt(value as number | bigint | string);
  return number >= min && number < end;
}

function unknownField(path: string, type: MessageType): DtmArgumentError {
  const names = [...type.fields.keys()].join(', ') || 'none';
  return new DtmArgumentError(`payload: ${type.name} has no field ${JSON.stringify(path)}; its fields are ${names}`);
}

function refusal(path: string, expected: string, value: unknown): DtmArgumentError {
  const what = path === '' ? 'payload' : `payload field ${JSON.stringify(path)}`;
  return new DtmArgumentError(`${what} ${expected}, not ${describeValue(value)}`);
}
