import { DtmConfigError } from '../../protocol/internal.js';

/** An object that is read as Go does: the names of fields in any case, and what is missing has its zero value. */
export class GoJson {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #name: string;

  private constructor(fields: object, name: string) {
    this.#fields = fields as Readonly<Record<string, unknown>>;
    this.#name = name;
  }

  /**
   * Reads a text.
   *
   * @param text - JSON; never part of a message, as there may be a password in it
   * @param name - names it in messages
   * @throws DtmConfigError when it is no object
   */
  static parse(text: string, name: string): GoJson {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // said below
    }
    if (isObject(value)) return new GoJson(value, name);
    throw new DtmConfigError(`${name} is no JSON object`);
  }

  /** A field with a text. @returns undefined for an empty one */
  string(name: string): string | undefined {
    return this.#field(name, 'a text', (value): value is string => typeof value === 'string') || undefined;
  }

  /** A field with a number. */
  number(name: string): number | undefined {
    return this.#field(name, 'a number', (value): value is number => typeof value === 'number');
  }

  /** A field with true or false. */
  boolean(name: string): boolean | undefined {
    return this.#field(name, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  /** A field with texts under names. */
  texts(name: string): Readonly<Record<string, string>> | undefined {
    return this.#field(
      name,
      'an object with texts',
      (value): value is Readonly<Record<string, string>> =>
        isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
    );
  }

  /** A field with an object; an empty one where there is none. */
  object(name: string): GoJson {
    return new GoJson(this.#field(name, 'an object', isObject) ?? {}, `${this.#name}.${name}`);
  }

  #field<T>(name: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    const key = Object.hasOwn(this.#fields, name)
      ? name
      : Object.keys(this.#fields).find((other) => other.toLowerCase() === name.toLowerCase());
    const value = key === undefined ? undefined : this.#fields[key];
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    throw new DtmConfigError(`${this.#name}.${name} must be ${expected}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
