const BACKSLASH = 0x5c;

/**
 * Decodes a value of the type bytea. The pool of an application can have either setting of `bytea_output`.
 *
 * @param text - `\\x` and hexadecimal digits, or the older format `escape`
 */
export function decodeBytea(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  // ASCII; other bytes are a backslash and three octal digits, and a backslash is doubled
  const escaped = Buffer.from(text, 'latin1');
  const bytes = Buffer.alloc(escaped.length);
  let length = 0;
  for (let index = 0; index < escaped.length; index++) {
    let byte = escaped[index]!;
    if (byte === BACKSLASH) {
      const isDoubled = escaped[index + 1] === BACKSLASH;
      byte = isDoubled ? BACKSLASH : Number.parseInt(text.slice(index + 1, index + 4), 8);
      index += isDoubled ? 1 : 3;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}
