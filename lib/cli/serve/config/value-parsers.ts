import { isSqlName } from '../../../support/sql-name.js';

/** Parses the value of a setting. The input is text, so that YAML and the environment follow the same rule. */
export interface ValueParser<T> {
  /** The allowed values, as they complete "must be …". */
  readonly expected: string;
  /** @returns undefined for a value that is not allowed */
  parse(text: string): T | undefined;
  /** The remedy for a value that is valid in dtm. @default no value needs one */
  remedy?(text: string): string | undefined;
}

/** The longest time of a setting, a year in seconds. */
export const YEAR_SECONDS = 31_536_000;

/** Any string. A NUL in a path would crash the process, and a line break in an address is a mistake. */
export const text: ValueParser<string> = {
  expected: 'a string without control characters',
  parse: (value) => (/\p{Cc}/u.test(value) ? undefined : value),
};

/** A TCP port; 0 stands for a free port. */
export const port: ValueParser<number> = wholeNumber(0, 65_535);

/** A time in seconds, at least one second. */
export const seconds: ValueParser<number> = wholeNumber(1, YEAR_SECONDS);

/** A whole number within limits. */
export function wholeNumber(min: number, max: number): ValueParser<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (value) => parseNumber(/^[+-]?\d{1,15}$/, value, (number) => number >= min && number <= max),
  };
}

/** A number with or without decimals, above a limit. */
export function decimal(above: number, max: number): ValueParser<number> {
  return {
    expected: `a number above ${above}, at most ${max}`,
    parse: (value) => parseNumber(/^[+-]?\d{1,15}(\.\d{1,9})?$/, value, (number) => number > above && number <= max),
  };
}

/**
 * One of several choices.
 *
 * @param remedies - remedies for other values
 */
export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  remedies: Readonly<Record<string, string>> = {},
): ValueParser<Choice> {
  return {
    expected: `one of ${choices.join(', ')}`,
    parse: (value) => choices.find((choice) => choice === value.trim()),
    remedy: (value) => (Object.hasOwn(remedies, value.trim()) ? remedies[value.trim()] : undefined),
  };
}

/** An absolute `http://` or `https://` URL. */
export const httpUrl: ValueParser<string> = {
  expected: 'a URL that begins with http:// or https://',
  parse: (value) => (/^https?:\/\/\S+$/i.test(value.trim()) && URL.canParse(value.trim()) ? value.trim() : undefined),
};

/** The name of a database or schema. */
export const sqlName: ValueParser<string> = {
  expected: 'a name of letters, digits, "_" and "-" that begins with a letter or "_"',
  parse: (value) => (isSqlName(value) ? value : undefined),
};

/** Names separated by commas, at least one. */
export const list: ValueParser<readonly string[]> = {
  expected: 'names separated by commas',
  parse: (value) => {
    const names = value.split(',').map((name) => name.trim());
    return names.every((name) => name !== '' && text.parse(name) !== undefined) ? names : undefined;
  },
};

function parseNumber(format: RegExp, value: string, isAllowed: (number: number) => boolean): number | undefined {
  const number = format.test(value.trim()) ? Number(value) : Number.NaN;
  return isAllowed(number) ? number : undefined;
}
