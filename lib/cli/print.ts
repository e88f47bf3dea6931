/**
 * Prints a text to stdout, with a line break at its end.
 *
 * @returns exit code 0
 */
export function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
