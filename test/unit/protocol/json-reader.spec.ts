import { describe, expect, it } from 'vitest';
import { DtmArgumentError, jsonReader } from '../../../lib/protocol/internal.js';

const read = (text: string) => jsonReader(JSON.parse(text), 'the body');

describe('reading a JSON object from the network', () => {
  it('matches keys exactly first, otherwise in any case', () => {
    expect(read('{"GID":"a"}').text('gid')).toBe('a');
    expect(read('{"Trans_Type":"saga"}').text('trans_type')).toBe('saga');
    expect(read('{"GID":"other","gid":"exact","Gid":"other"}').text('gid')).toBe('exact');
  });

  it('takes an absent field and null for "not set"', () => {
    for (const text of ['{}', '{"x":null}']) {
      const json = read(text);
      expect(json.text('x')).toBe('');
      expect(json.boolean('x')).toBe(false);
      expect(json.count('x')).toBe(0);
      expect(json.time('x')).toBeUndefined();
      expect(json.textList('x')).toEqual([]);
      expect(json.texts('x')).toBeUndefined();
      expect(json.objects('x')).toEqual([]);
      expect(json.object('x')).toBeUndefined();
    }
  });

  it('null inside lists and maps of texts counts as an empty text', () => {
    expect(read('{"x":["a",null]}').textList('x')).toEqual(['a', '']);
    expect({ ...read('{"x":{"a":"b","c":null}}').texts('x') }).toEqual({ a: 'b', c: '' });
  });

  it('keeps a header called __proto__ a header', () => {
    expect(Object.entries(read('{"x":{"__proto__":"a"}}').texts('x') ?? {})).toEqual([['__proto__', 'a']]);
    expect(read('{"__proto__":{"gid":"a"}}').text('gid')).toBe('');
  });

  it('reads RFC 3339 times with up to nine digits and any offset', () => {
    expect(read('{"x":"2026-11-22T06:43:03.467178653Z"}').time('x')).toBe(Date.UTC(2026, 10, 22, 6, 43, 3, 467));
    expect(read('{"x":"2026-11-22T06:43:03+08:00"}').time('x')).toBe(Date.UTC(2026, 10, 21, 22, 43, 3));
  });

  it.each<[string, 'text' | 'boolean' | 'count' | 'time' | 'textList' | 'texts' | 'objects' | 'object', RegExp]>([
    ['1', 'text', /x must be a string, not 1/],
    ['{}', 'text', /x must be a string, not an object/],
    ['[]', 'text', /x must be a string, not an array/],
    ['"true"', 'boolean', /x must be true or false, not a string/],
    ['1', 'boolean', /x must be true or false/],
    ['"1"', 'count', /x must be a whole number/],
    ['-1', 'count', /x must be a whole number from 0 to 2147483647, not -1/],
    ['1.5', 'count', /x must be a whole number/],
    ['2147483648', 'count', /x must be a whole number/],
    ['1e400', 'count', /x must be a whole number/],
    ['true', 'count', /x must be a whole number/],
    ['"soon"', 'time', /x must be an RFC 3339 time/],
    ['5', 'time', /x must be an RFC 3339 time/],
    ['"a"', 'textList', /x must be an array of strings/],
    ['[1]', 'textList', /x must be an array of strings/],
    ['[]', 'texts', /x must be an object of strings, not an array/],
    ['{"a":1}', 'texts', /x must be an object of strings/],
    ['{}', 'objects', /x must be an array of objects/],
    ['[1]', 'objects', /x\[0\] must be a JSON object, not 1/],
    ['[{},null]', 'objects', /x\[1\] must be a JSON object, not null/],
    ['"a"', 'object', /x must be a JSON object, not a string/],
  ])('refuses %s as %s', (value, kind, message) => {
    expect(() => read(`{"x":${value}}`)[kind]('x')).toThrow(DtmArgumentError);
    expect(() => read(`{"x":${value}}`)[kind]('x')).toThrow(message);
  });

  it.each(['null', '[]', '"a"', '1', 'true'])('refuses %s where an object belongs', (text) => {
    expect(() => read(text)).toThrow(/^the body must be a JSON object, not /);
  });
});
