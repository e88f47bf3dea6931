import { DtmArgumentError } from './errors.js';

/** Typed access to one JSON object from the network, with the tolerance of `dtm-protocol.md` §1.1. */
export interface JsonReader {
  /** A text; absent or null = `''`. */
  text(key: string): string;
  /** A boolean; absent or null = false. */
  boolean(key: string): boolean;
  /** A whole number from 0 to 2³¹−1; absent or null = 0. */
  count(key: string): number;
  /** Milliseconds since 1970 of an RFC 3339 time; absent or null = undefined. */
  time(key: string): number | undefined;
  /** A list of texts (null items = `''`); absent or null = empty. */
  textList(key: string): string[];
  /** An object of texts (null values = `''`); absent or null = undefined. */
  texts(key: string): Record<string, string> | undefined;
  /** A list of objects; absent or null = empty. */
  objects(key: string): JsonReader[];
  /** An object; absent or null = undefined. */
  object(key: string): JsonReader | undefined;
}

/**
 * Makes the reader of a JSON object: keys match exactly first, otherwise case-insensitively; unknown keys are ignored.
 *
 * @param value - parsed JSON
 * @param what - names the object in messages
 * @throws DtmArgumentError when it is not an object; its methods throw it when a field has the wrong type
 */
export function jsonReader(value: unknown, what: string): JsonReader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DtmArgumentError(`${what} must be a JSON object, not ${nameOf(value)}`);
  }
  const fields = value as Record<string, unknown>;
  let folded: Map<string, unknown> | undefined;
  const find = (key: string): unknown => {
    if (Object.hasOwn(fields, key)) return fields[key];
    folded ??= new Map(Object.entries(fields).map(([name, field]) => [name.toLowerCase(), field]));
    return folded.get(key);
  };
  const read = <T>(key: string, wanted: string, none: T, accept: (field: unknown) => T | undefined): T => {
    const field = find(key);
    if (field === undefined || field === null) return none;
    const result = accept(field);
    if (result === undefined) throw new DtmArgumentError(`${key} must be ${wanted}, not ${nameOf(field)}`);
    return result;
  };
  return {
    text: (key) => read(key, 'a text', '', textOf),
    boolean: (key) => read(key, 'true or false', false, (field) => (typeof field === 'boolean' ? field : undefined)),
    count: (key) => read(key, 'a whole number from 0 to 2147483647', 0, countOf),
    time: (key) => read<number | undefined>(key, 'an RFC 3339 time', undefined, timeOf),
    textList: (key) => read(key, 'a list of texts', [], textListOf),
    texts: (key) => read<Record<string, string> | undefined>(key, 'an object of texts', undefined, textsOf),
    objects: (key) =>
      read(key, 'a list of objects', [], (field) =>
        Array.isArray(field) ? field.map((item, index) => jsonReader(item, `${key}[${index}]`)) : undefined,
      ),
    object: (key) => read<JsonReader | undefined>(key, 'an object', undefined, (field) => jsonReader(field, key)),
  };
}

function textOf(field: unknown): string | undefined {
  return typeof field === 'string' ? field : undefined;
}

function countOf(field: unknown): number | undefined {
  return Number.isInteger(field) && (field as number) >= 0 && (field as number) <= 0x7fffffff
    ? (field as number)
    : undefined;
}

function timeOf(field: unknown): number | undefined {
  const time = typeof field === 'string' ? Date.parse(field) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function textListOf(field: unknown): string[] | undefined {
  if (!Array.isArray(field)) return undefined;
  const texts = field.map((item: unknown) => (item === null ? '' : item));
  return texts.every((item) => typeof item === 'string') ? texts : undefined;
}

function textsOf(field: unknown): Record<string, string> | undefined {
  if (typeof field !== 'object' || field === null || Array.isArray(field)) return undefined;
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(field)) {
    if (value !== null && typeof value !== 'string') return undefined;
    texts[name] = value ?? '';
  }
  return texts;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
