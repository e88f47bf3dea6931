import { parseBoundedJson } from './bounded-json.js';
import { errorText } from './error-text.js';
import { DtmArgumentError } from './errors.js';

/**
 * Parses JSON from the network.
 *
 * @param text - JSON text
 * @param what - names the text in the message
 * @param example - JSON that is expected
 * @throws DtmArgumentError when the text is not JSON, or has too many values
 */
export function parseJson(text: string, what: string, example: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch (cause) {
    if (cause instanceof DtmArgumentError) throw new DtmArgumentError(`${what}: ${cause.message}`, { cause });
    throw new DtmArgumentError(`${what} is not JSON: ${errorText(cause)}; expected something like ${example}`, {
      cause,
    });
  }
}

/** Typed access to one JSON object from the network, by the rules of docs/protocol.md#http-requests. */
export interface JsonReader {
  /** A string; absent or null = `''`. */
  text(key: string): string;
  /** A boolean; absent or null = false. */
  boolean(key: string): boolean;
  /** An integer from 0 to 2³¹−1; absent or null = 0. */
  count(key: string): number;
  /** Milliseconds since 1970 of an RFC 3339 time; absent or null = undefined. */
  time(key: string): number | undefined;
  /** An array of strings (null items = `''`); absent or null = empty. */
  textList(key: string): string[];
  /** An object of strings (null values = `''`); absent or null = undefined. */
  texts(key: string): Record<string, string> | undefined;
  /** An object of integers from 0 to 2³¹−1; absent or null = undefined. */
  counts(key: string): Record<string, number> | undefined;
  /** An array of objects; absent or null = empty. */
  objects(key: string): JsonReader[];
  /** An object; absent or null = undefined. */
  object(key: string): JsonReader | undefined;
}

/** Whether a parsed JSON value is an object, and neither null nor an array. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Creates the reader of a JSON object. A key matches exactly, or else in another case; unknown keys are ignored.
 *
 * @param value - parsed JSON
 * @param what - names the object in messages
 * @throws DtmArgumentError when the value is not an object; its methods throw it when a field has the wrong type
 */
export function jsonReader(value: unknown, what: string): JsonReader {
  if (!isJsonObject(value)) throw new DtmArgumentError(`${what} must be a JSON object, not ${nameOf(value)}`);
  return new ObjectReader(value);
}

/** A class rather than closures: each request of the coordinator's API makes several of them. */
class ObjectReader implements JsonReader {
  readonly #fields: Record<string, unknown>;
  #folded: ReadonlyMap<string, unknown> | undefined;

  constructor(fields: Record<string, unknown>) {
    this.#fields = fields;
  }

  text(key: string): string {
    return this.#read(key, 'a string', textOf) ?? '';
  }

  boolean(key: string): boolean {
    return this.#read(key, 'true or false', booleanOf) ?? false;
  }

  count(key: string): number {
    return this.#read(key, 'a whole number from 0 to 2147483647', countOf) ?? 0;
  }

  time(key: string): number | undefined {
    return this.#read(key, 'an RFC 3339 time', timeOf);
  }

  textList(key: string): string[] {
    return this.#read(key, 'an array of strings', textListOf) ?? [];
  }

  texts(key: string): Record<string, string> | undefined {
    return this.#read(key, 'an object of strings', textsOf);
  }

  counts(key: string): Record<string, number> | undefined {
    return this.#read(key, 'an object of whole numbers from 0 to 2147483647', countsOf);
  }

  objects(key: string): JsonReader[] {
    const list = this.#read(key, 'an array of objects', (field) => (Array.isArray(field) ? field : undefined)) ?? [];
    return list.map((item, index) => jsonReader(item, `${key}[${index}]`));
  }

  object(key: string): JsonReader | undefined {
    return this.#read(key, 'an object', (field) => jsonReader(field, key));
  }

  #read<T>(key: string, wanted: string, accept: (field: unknown) => T | undefined): T | undefined {
    const field = this.#find(key);
    if (field === undefined || field === null) return undefined;
    const result = accept(field);
    if (result === undefined) throw new DtmArgumentError(`${key} must be ${wanted}, not ${nameOf(field)}`);
    return result;
  }

  #find(key: string): unknown {
    if (Object.hasOwn(this.#fields, key)) return this.#fields[key];
    this.#folded ??= foldedFields(this.#fields);
    return this.#folded.get(key);
  }
}

const NO_FIELDS: ReadonlyMap<string, unknown> = new Map();

/** The fields whose names are not in lower case, by their names in lower case. */
function foldedFields(fields: Record<string, unknown>): ReadonlyMap<string, unknown> {
  let folded: Map<string, unknown> | undefined;
  for (const name of Object.keys(fields)) {
    const lower = name.toLowerCase();
    if (lower !== name) (folded ??= new Map<string, unknown>()).set(lower, fields[name]);
  }
  return folded ?? NO_FIELDS;
}

function booleanOf(field: unknown): boolean | undefined {
  return typeof field === 'boolean' ? field : undefined;
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
  if (!isJsonObject(field)) return undefined;
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(field)) {
    if (value !== null && typeof value !== 'string') return undefined;
    texts[name] = value ?? '';
  }
  return texts;
}

function countsOf(field: unknown): Record<string, number> | undefined {
  if (!isJsonObject(field)) return undefined;
  const counts: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const [name, value] of Object.entries(field)) {
    const count = countOf(value);
    if (count === undefined) return undefined;
    counts[name] = count;
  }
  return counts;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
