/**
 * Writes the parameters of a MySQL statement that would need a backslash as hexadecimal literals. The drivers below ORMs
 * put parameters into the text, with backslashes that a server with the SQL mode `NO_BACKSLASH_ESCAPES` reads as
 * characters: an id with a quote would end its literal.
 *
 * @param text - SQL with a `?` for each parameter, and no other `?`
 * @param parameters - texts without control characters
 */
export function withoutEscapes(
  text: string,
  parameters: readonly string[],
): { readonly text: string; readonly parameters: readonly string[] } {
  if (!parameters.some(needsEscape)) return { text, parameters };
  let next = 0;
  return {
    text: text.replaceAll('?', () => {
      const parameter = parameters[next++]!;
      return needsEscape(parameter) ? `_utf8mb4 X'${Buffer.from(parameter).toString('hex')}'` : '?';
    }),
    parameters: parameters.filter((parameter) => !needsEscape(parameter)),
  };
}

function needsEscape(text: string): boolean {
  return /["'\\]/.test(text);
}
