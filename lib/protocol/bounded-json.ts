import { DtmArgumentError } from './errors.js';

/** Maximum number of values and keys, most of which take up to half a microsecond to parse and read. */
const MAX_VALUES = 150_000;

/** Maximum number of keys of one object. Each takes more than a microsecond when the keys differ. */
const MAX_KEYS = 10_000;

/**
 * Parses JSON of a client. A limit of its size alone does not limit the time: 4 MiB of empty objects take as long as 300 MB of text.
 *
 * @throws DtmArgumentError when the JSON has more than 150,000 values and keys, or an object has more than 10,000 keys, before it
 *   is parsed; SyntaxError when the text is not JSON
 */
export function parseBoundedJson(text: string): unknown {
  // a shorter text cannot have too many keys, each of which has a quotation mark, a colon, and a value
  const excess = text.length > 4 * MAX_KEYS ? findExcess(text) : undefined;
  if (excess !== undefined) {
    throw new DtmArgumentError(
      `the JSON has more than ${excess}, which would hold up all other requests; send less in one request`,
    );
  }
  return JSON.parse(text) as unknown;
}

function findExcess(text: string): string | undefined {
  let count = 0;
  /** Numbers of keys of the objects around the position; an array is like an object without keys. */
  const keys: number[] = [];
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x22: // "
        index = endOfString(text, index + 1);
        continue;
      case 0x3a: // :
        if (++keys[keys.length - 1]! > MAX_KEYS) return `${MAX_KEYS} keys in one object`;
        break;
      case 0x5b: // [
      case 0x7b: // {
        keys.push(0);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        keys.pop();
        continue;
      case 0x2c: // ,
        break;
      default:
        continue;
    }
    if (++count > MAX_VALUES) return `${MAX_VALUES} values and keys`;
  }
  return undefined;
}

/** Index of the quotation mark that ends a string. */
function endOfString(text: string, start: number): number {
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) return index;
    if (code === 0x5c) index++; // \
  }
  return text.length;
}
