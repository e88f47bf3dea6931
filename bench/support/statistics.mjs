/**
 * @param {readonly number[]} values
 * @returns {number}
 */
export function median(values) {
  return percentile(values, 50);
}

/**
 * The value below which `rank` percent of the values lie.
 *
 * @param {readonly number[]} values
 * @param {number} rank - 0 to 100
 * @returns {number}
 */
export function percentile(values, rank) {
  const sorted = values.toSorted((a, b) => a - b);
  const position = ((sorted.length - 1) * rank) / 100;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position % 1);
}

/**
 * Lowest and highest value as text.
 *
 * @param {readonly number[]} values
 * @param {(value: number) => string} format
 * @returns {string}
 */
export function spread(values, format) {
  return `${format(Math.min(...values))} – ${format(Math.max(...values))}`;
}
