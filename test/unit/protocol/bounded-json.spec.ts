import { afterEach, describe, expect, it, vi } from 'vitest';
import { DtmArgumentError, parseBoundedJson } from '../../../lib/protocol/internal.js';

/** JSON of the same item many times. */
function list(item: string, count: number): string {
  return `[${Array.from({ length: count }, () => item).join(',')}]`;
}

function keys(count: number): string {
  return `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join(',')}}`;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('JSON of a client', () => {
  it.each([
    ['empty objects', list('{}', 80_000)],
    ['numbers', list('1', 150_001)],
    ['empty strings', list('""', 150_001)],
    ['objects with one key', list('{"a":1}', 60_000)],
    ['arrays in arrays', '['.repeat(150_001)],
    ['what is no JSON at all', ':'.repeat(150_001)],
  ])('of too many values is refused before it is parsed: %s', (_, text) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(() => parseBoundedJson(text)).toThrow(DtmArgumentError);
    expect(() => parseBoundedJson(text)).toThrow(/^the JSON has more than 150000 values and keys, .*; send less/);
    expect(parse).not.toHaveBeenCalled();
  });

  it('of too many keys in one object is refused before it is parsed', () => {
    const parse = vi.spyOn(JSON, 'parse');
    for (const text of [keys(10_001), `[{"a":${keys(10_001)}}]`, `{"a":{},"b":[${keys(10_001)}]}`]) {
      expect(() => parseBoundedJson(text)).toThrow(/more than 10000 keys in one object/);
    }
    expect(parse).not.toHaveBeenCalled();
  });

  it.each([
    ['as many values as are allowed', list('1', 149_999)],
    ['as many keys as are allowed', `[${keys(10_000)},${keys(10_000)},${keys(9_000)}]`],
    ['a text with signs of structure', JSON.stringify({ payload: ',:[{}]"\\'.repeat(400_000) })],
    ['a text of quotation marks', JSON.stringify(list(JSON.stringify('",'), 200_000))],
    ['a text that ends with a backslash', JSON.stringify(['\\', ','.repeat(200_000), '\\\\"'])],
    [
      '10,000 steps with payloads',
      list('{"action":"http://b/a","compensate":"http://b/c","data":"{\\"a\\":1,\\"b\\":[2]}"}', 10_000),
    ],
  ])('is parsed: %s', (_, text) => {
    expect(JSON.stringify(parseBoundedJson(text))).toBe(text);
  });

  it('that is not JSON is a SyntaxError, as from JSON.parse', () => {
    for (const text of ['', '{', `"${','.repeat(200_000)}`, `}]${' '.repeat(200_000)}`, ':'.repeat(50_000)]) {
      expect(() => parseBoundedJson(text)).toThrow(SyntaxError);
    }
  });
});
