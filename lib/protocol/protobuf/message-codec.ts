import { DtmArgumentError } from '../errors.js';
import type { ProtoEnum, ProtoField, ProtoFile, ProtoMessage } from './proto-file.js';
import { findMessage, fullTypeName } from './proto-names.js';
import { DELIMITED, ProtoReader, VARINT } from './proto-reader.js';
import { ProtoWriter } from './proto-writer.js';

/**
 * Writes and reads the messages of one type as plain objects: an enum is the name of its value, a map is an object. A message
 * that was read has every field; a field that was not sent has its default. Of a oneof only the field that was sent exists,
 * and the property with the name of the oneof holds the name of that field.
 */
export interface MessageCodec {
  /** Writes a message; a missing field is not sent. */
  readonly encode: (message: object) => Buffer;
  /**
   * Reads a message. Its bytes fields are views on the given bytes.
   *
   * @param maxFields - maximum number of fields, also of the messages in it. @default no limit
   * @param maxKeys - maximum number of different keys of all maps. @default no limit
   * @throws DtmArgumentError when the message is truncated, a text is not UTF-8, a list has more than 100,000 values, or there are
   *   too many fields or keys
   */
  readonly decode: (bytes: Uint8Array, maxFields?: number, maxKeys?: number) => object;
  /** Reads a message inside another one. */
  readonly read: (reader: ProtoReader) => object;
}

/** A longer list of empty values would take many times the memory of the message. */
const MAX_VALUES = 100_000;

type Fields = Record<string, unknown>;

/** One value of a field. */
interface ValueCodec {
  readonly wireType: number;
  readonly none: unknown;
  read(reader: ProtoReader): unknown;
  write(writer: ProtoWriter, id: number, value: unknown): void;
}

/** A field with its name. */
interface FieldCodec {
  /** Sets the default that remains when the field was not sent. */
  prepare(message: Fields): void;
  /** Reads one value; false when the field cannot have this wire type. */
  read(reader: ProtoReader, wireType: number, message: Fields): boolean;
  write(writer: ProtoWriter, message: Fields): void;
}

/**
 * Creates the codec of a message.
 *
 * @param name - full name of the message
 * @param files - files with the message and all messages in it
 */
export function messageCodec(name: string, files: readonly ProtoFile[]): MessageCodec {
  const { file, message } = findMessage(name, files);
  const byId = new Map<number, FieldCodec>();
  const oneofs = Object.entries(message.oneofs ?? {});
  for (const [fieldName, field] of Object.entries(message.fields)) {
    const oneof = oneofs.find(([, group]) => group.oneof.includes(fieldName))?.[0];
    byId.set(field.id, fieldCodec(fieldName, field, oneof, valueCodec(field, message, file.package, files)));
  }
  const all = [...byId.values()];
  const read = (reader: ProtoReader): object => {
    const result: Fields = {};
    for (const field of all) field.prepare(result);
    while (!reader.isAtEnd) {
      const tag = reader.tag();
      const wireType = tag & 7;
      if (!byId.get(tag >>> 3)?.read(reader, wireType, result)) reader.skip(wireType);
    }
    return result;
  };
  return {
    encode(value) {
      const writer = new ProtoWriter();
      for (const field of all) field.write(writer, value as Fields);
      return writer.finish();
    },
    decode(bytes, max = Infinity, maxKeys = Infinity) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return read(new ProtoReader(buffer, 0, buffer.length, { max, read: 0, maxKeys }));
    },
    read,
  };
}

function fieldCodec(name: string, field: ProtoField, oneof: string | undefined, value: ValueCodec): FieldCodec {
  if (field.keyType !== undefined) return mapCodec(name, field.id, value);
  if (field.rule === 'repeated') return listCodec(name, field.id, value);
  return {
    prepare(message) {
      if (oneof === undefined) message[name] = value.none;
    },
    read(reader, wireType, message) {
      if (wireType !== value.wireType) return false;
      message[name] = value.read(reader);
      if (oneof !== undefined) {
        if (message[oneof] !== undefined && message[oneof] !== name) delete message[message[oneof] as string];
        message[oneof] = name;
      }
      return true;
    },
    write(writer, message) {
      const own = message[name];
      if (own === undefined || own === null || (oneof === undefined && isDefault(own, value.none))) return;
      value.write(writer, field.id, own);
    },
  };
}

function listCodec(name: string, id: number, value: ValueCodec): FieldCodec {
  const add = (list: unknown[], item: unknown): void => {
    if (list.push(item) > MAX_VALUES) throw tooMany(name);
  };
  return {
    prepare(message) {
      message[name] = [];
    },
    read(reader, wireType, message) {
      const list = message[name] as unknown[];
      if (wireType === value.wireType) add(list, value.read(reader));
      else if (wireType === DELIMITED && value.wireType === VARINT) {
        // packed: the numbers of a list as one field
        for (const packed = reader.message(); !packed.isAtEnd;) add(list, value.read(packed));
      } else return false;
      return true;
    },
    write(writer, message) {
      for (const item of (message[name] ?? []) as Iterable<unknown>) value.write(writer, id, item);
    },
  };
}

/** Entries of a map are messages with a key, 1, and a value, 2. */
function mapCodec(name: string, id: number, value: ValueCodec): FieldCodec {
  return {
    prepare(message) {
      message[name] = Object.create(null) as Fields;
    },
    read(reader, wireType, message) {
      if (wireType !== DELIMITED) return false;
      const entry = reader.message();
      let key = '';
      let own = value.none;
      while (!entry.isAtEnd) {
        const tag = entry.tag();
        if (tag === 8 + DELIMITED) key = entry.text();
        else if (tag === 16 + value.wireType) own = value.read(entry);
        else entry.skip(tag & 7);
      }
      const map = message[name] as Fields;
      if (!(key in map)) reader.countKey();
      map[key] = own;
      return true;
    },
    write(writer, message) {
      for (const [key, own] of Object.entries((message[name] ?? {}) as Fields)) {
        const entry = new ProtoWriter().text(1, key);
        value.write(entry, 2, own);
        writer.bytes(id, entry.finish());
      }
    },
  };
}

function valueCodec(
  field: ProtoField,
  owner: ProtoMessage,
  owningPackage: string,
  files: readonly ProtoFile[],
): ValueCodec {
  switch (field.type) {
    case 'string':
      return {
        wireType: DELIMITED,
        none: '',
        read: (reader) => reader.text(),
        write: (writer, id, value) => writer.text(id, value as string),
      };
    case 'bytes':
      return {
        wireType: DELIMITED,
        none: Buffer.alloc(0),
        read: (reader) => reader.bytes(),
        write: (writer, id, value) => writer.bytes(id, value as Uint8Array),
      };
    case 'bool':
      return {
        wireType: VARINT,
        none: false,
        read: (reader) => reader.boolean(),
        write: (writer, id, value) => writer.number(id, value ? 1 : 0),
      };
    case 'int32':
    case 'int64':
      return {
        wireType: VARINT,
        none: 0,
        read: (reader) => reader.int64(),
        write: (writer, id, value) => writer.number(id, value as number),
      };
    default: {
      const ownEnum = owner.nested?.[field.type];
      if (ownEnum) return enumCodec(ownEnum);
      // created on first use: a message may contain its own type
      let made: MessageCodec | undefined;
      const codec = (): MessageCodec => (made ??= messageCodec(fullTypeName(owningPackage, field.type), files));
      return {
        wireType: DELIMITED,
        none: null,
        read: (reader) => codec().read(reader.message()),
        write: (writer, id, value) => writer.bytes(id, codec().encode(value as object)),
      };
    }
  }
}

function enumCodec({ values }: ProtoEnum): ValueCodec {
  const names = new Map(Object.entries(values).map(([name, number]) => [number, name]));
  return {
    wireType: VARINT,
    none: names.get(0) ?? 0,
    read(reader) {
      const number = reader.int64();
      return names.get(number) ?? number;
    },
    write: (writer, id, value) =>
      writer.number(id, typeof value === 'string' ? (values[value] ?? 0) : (value as number)),
  };
}

function isDefault(value: unknown, none: unknown): boolean {
  return value === none || (value instanceof Uint8Array && value.length === 0);
}

function tooMany(name: string): DtmArgumentError {
  return new DtmArgumentError(`the message has more than ${MAX_VALUES} values of ${name}`);
}
