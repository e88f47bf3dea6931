/** A list of placeholders, e.g. `(?, ?)`. */
export function placeholders(count: number): string {
  return `(${Array.from({ length: count }, () => '?').join(', ')})`;
}

/** Maximum number of values of a list: databases take 65,535 in a statement. */
const MAX_VALUES = 1024;

/** Splits a list into chunks that fit into a statement. */
export function chunked<T>(values: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < values.length; start += MAX_VALUES) chunks.push(values.slice(start, start + MAX_VALUES));
  return chunks;
}

/**
 * Fills a list for `in` up to a power of two by repeating its first value, so that the database sees few different
 * statements.
 *
 * @param values - at least one
 */
export function padToPowerOfTwo<T>(values: readonly T[]): T[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, index) => values[index] ?? values[0]!);
}
