import { DtmConfigError, isJsonObject } from '../../protocol/internal.js';

/** A JSON object that is read as Go reads it: field names in any case, and an empty string for an absent one. */
export class GoJson {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #name: string;

  private constructor(fields: object, name: string) {
    this.#fields = fields as Readonly<Record<string, unknown>>;
    this.#name = name;
  }

  /**
   * Parses a text.
   *
   * @param text - JSON; never part of a message, because it may hold a password
   * @param name - names the text in messages
   * @param example - an example for messages
   * @throws DtmConfigError when the text is not a JSON object
   */
  static parse(text: string, name: string, example: string): GoJson {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // the error below has no cause, because a cause would quote the text
    }
    if (isJsonObject(value)) return new GoJson(value, name);
    throw new DtmConfigError(`${name} is not a JSON object; expected e.g. ${example}`);
  }

  /** @returns undefined for an empty string as well */
  string(name: string): string | undefined {
    return this.#field(name, 'a string', (value): value is string => typeof value === 'string') || undefined;
  }

  number(name: string): number | undefined {
    return this.#field(name, 'a number', (value): value is number => typeof value === 'number');
  }

  boolean(name: string): boolean | undefined {
    return this.#field(name, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  strings(name: string): Readonly<Record<string, string>> | undefined {
    return this.#field(
      name,
      'an object of strings',
      (value): value is Readonly<Record<string, string>> =>
        isJsonObject(value) && Object.values(value).every((one) => typeof one === 'string'),
    );
  }

  /** @returns an empty object for an absent field */
  object(name: string): GoJson {
    return new GoJson(this.#field(name, 'an object', isJsonObject) ?? {}, `${this.#name}.${name}`);
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
