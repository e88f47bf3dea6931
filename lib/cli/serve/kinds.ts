import { isSqlName } from '../../support/sql-name.js';

/** What a setting may be. It reads text, so that the environment and YAML follow one rule. */
export interface Kind<T> {
  /** What is allowed, as it completes "must be …". */
  readonly allowed: string;
  /** The value that a text says; undefined when it is not allowed. */
  read(text: string): T | undefined;
  /** The remedy for a value that users of dtm are likely to bring along. */
  hint?(text: string): string | undefined;
}

/** Longest time that a setting may say, a year in seconds. */
export const YEAR_SECONDS = 31_536_000;

/** Any text; a NUL in the path of a file would end the process, a line break in an address means a mistake. */
export const text: Kind<string> = {
  allowed: 'a string without control characters',
  read: (given) => (/\p{Cc}/u.test(given) ? undefined : given),
};

/** TCP port; 0 = a free one. */
export const port: Kind<number> = wholeNumber(0, 65_535);

/** A time in seconds, at least one. */
export const seconds: Kind<number> = wholeNumber(1, YEAR_SECONDS);

/**
 * A whole number.
 *
 * @param min - smallest
 * @param max - largest
 */
export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    read: (given) => numberWithin(/^[+-]?\d{1,15}$/, given, (value) => value >= min && value <= max),
  };
}

/**
 * A number that may have decimals.
 *
 * @param above - it is larger than this
 * @param max - largest
 */
export function decimal(above: number, max: number): Kind<number> {
  return {
    allowed: `a number above ${above}, at most ${max}`,
    read: (given) => numberWithin(/^[+-]?\d{1,15}(\.\d{1,9})?$/, given, (value) => value > above && value <= max),
  };
}

/**
 * One of some words.
 *
 * @param words - those that are allowed
 * @param hints - remedies by word that is not
 */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  hints: Readonly<Record<string, string>> = {},
): Kind<Word> {
  return {
    allowed: `one of ${words.join(', ')}`,
    read: (given) => words.find((word) => word === given.trim()),
    hint: (given) => (Object.hasOwn(hints, given.trim()) ? hints[given.trim()] : undefined),
  };
}

/** Absolute `http://` or `https://` URL. */
export const httpUrl: Kind<string> = {
  allowed: 'a URL that begins with http:// or https://',
  read: (given) => (/^https?:\/\/\S+$/i.test(given.trim()) && URL.canParse(given.trim()) ? given.trim() : undefined),
};

/** A plain name of something in a database. */
export const sqlName: Kind<string> = {
  allowed: 'a name of letters, digits, "_" and "-" that begins with a letter or "_"',
  read: (given) => (isSqlName(given) ? given : undefined),
};

/** Names separated by commas, at least one. */
export const list: Kind<readonly string[]> = {
  allowed: 'names separated by commas',
  read: (given) => {
    const names = given.split(',').map((name) => name.trim());
    return names.every((name) => name !== '' && text.read(name) !== undefined) ? names : undefined;
  },
};

function numberWithin(shape: RegExp, given: string, isAllowed: (value: number) => boolean): number | undefined {
  const value = shape.test(given.trim()) ? Number(given) : Number.NaN;
  return isAllowed(value) ? value : undefined;
}
