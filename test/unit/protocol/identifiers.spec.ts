import { describe, expect, it } from 'vitest';
import { DtmArgumentError, parseGid, parseIdentifier } from '../../../lib/protocol/internal.js';

describe('a gid', () => {
  it.each([
    'a',
    'order-1',
    'a b',
    "o'clock",
    '"q"',
    'a,b',
    'ä汉😀',
    'a%b_c',
    '../x',
    '😀'.repeat(128),
    'x'.repeat(128),
  ])('may be %j', (gid) => {
    expect(parseGid(gid)).toBe(gid);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['an object', { toString: () => 'x' }],
    ['an empty text', ''],
    ['a line break', 'a\nb'],
    ['a carriage return', 'a\rb'],
    ['a NUL', 'a\0b'],
    ['a DEL', 'a\u007fb'],
    ['a C1 control character', 'a\u0085b'],
    ['a line separator', 'a\u2028b'],
    ['a semicolon', 'a;b'],
    ['a blank at the end', 'a '],
    ['a blank at the start', ' a'],
    ['a no-break space at the end', 'a\u00a0'],
    ['half an emoji', 'a\ud83d'],
    ['what decoders write for bytes that are not UTF-8', 'a\ufffd'],
    ['129 characters', 'x'.repeat(129)],
    ['129 emoji', '😀'.repeat(129)],
  ])('must not be, or hold, %s', (_, gid) => {
    expect(() => parseGid(gid)).toThrow(DtmArgumentError);
    expect(() => parseGid(gid)).toThrow(/^gid /);
  });

  it('of another field is named in the message', () => {
    expect(() => parseIdentifier('branch_id', '')).toThrow(/^branch_id must be a non-empty string/);
    expect(() => parseIdentifier('op', 'x'.repeat(46), 45)).toThrow('op has more than 45 characters');
  });
});
