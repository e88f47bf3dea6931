/**
 * Prints what was asked for.
 *
 * @param text - lines, without the last line break
 * @returns exit code 0
 */
export function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
