import type { SqlValue } from './sql-value.js';

/**
 * A list of placeholders, e.g. `(?, ?)`.
 *
 * @param count - how many
 */
export function placeholders(count: number): string {
  return `(${Array.from({ length: count }, () => '?').join(', ')})`;
}

/** Most values of a list: databases take 65,535 in a statement. */
const MAX_VALUES = 1024;

/**
 * Cuts a list into lists that fit into a statement.
 *
 * @param values - any number
 */
export function chunked<T>(values: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < values.length; start += MAX_VALUES) parts.push(values.slice(start, start + MAX_VALUES));
  return parts;
}

/**
 * Fills a list for `in` up to a power of two by repeating its first value: the database then sees few different statements.
 *
 * @param values - at least one
 */
export function padToPowerOfTwo<T>(values: readonly T[]): T[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, index) => values[index] ?? values[0]!);
}

/**
 * Joins the conditions that have a value.
 *
 * @param conditions - with one placeholder each; those without a value are left out
 */
export function whereAll(conditions: Readonly<Record<string, SqlValue | undefined>>): {
  where: string;
  values: SqlValue[];
} {
  const given = Object.entries(conditions).filter((entry): entry is [string, SqlValue] => Boolean(entry[1]));
  return {
    where: given.map(([condition]) => condition).join(' and ') || '1 = 1',
    values: given.map(([, value]) => value),
  };
}
