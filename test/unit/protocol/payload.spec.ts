import { describe, expect, it } from 'vitest';
import { DtmArgumentError, encodeJson, payloadBytes, payloadText } from '../../../lib/protocol/internal.js';

class Money {
  constructor(readonly cents: number) {}
}

describe('encoding a payload as JSON', () => {
  it.each<[unknown, string]>([
    [{ a: 1, b: [true, null, 'x'] }, '{"a":1,"b":[true,null,"x"]}'],
    [null, 'null'],
    ['', '""'],
    [0, '0'],
    [false, 'false'],
    [[], '[]'],
    [{ a: undefined }, '{}'],
    [new Money(5), '{"cents":5}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ toJSON: () => 'own' }, '"own"'],
  ])('%o', (value, text) => {
    expect(encodeJson(value)).toBe(text);
  });

  it('undefined, and what turns itself into it, is no payload', () => {
    expect(encodeJson(undefined)).toBe('');
    expect(encodeJson({ toJSON: () => undefined })).toBe('');
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;

  it.each<[string, unknown, RegExp]>([
    ['a function', { f: () => 1 }, /"f" is a function/],
    ['a symbol', { s: Symbol('s') }, /"s" is a symbol/],
    ['a bigint', { n: 1n }, /"n" is a bigint/],
    ['NaN', { deep: [{ n: Number.NaN }] }, /"n" is NaN/],
    ['Infinity', [Number.POSITIVE_INFINITY], /"0" is Infinity/],
    ['an invalid date', { at: new Date('never') }, /"at" is an invalid Date/],
    ['a Map', { m: new Map([[1, 2]]) }, /"m" is a Map/],
    ['a Set', new Set([1]), /"" is a Set/],
    ['a circle', circle, /circular/],
  ])('refuses %s, which JSON would drop, change or not take', (_, value, message) => {
    expect(() => encodeJson(value)).toThrow(DtmArgumentError);
    expect(() => encodeJson(value)).toThrow(message);
  });
});

describe('payload bytes and text', () => {
  it('turn into each other as UTF-8, byte order mark included', () => {
    expect(payloadText(payloadBytes('ä😀'))).toBe('ä😀');
    expect(payloadText(Buffer.from('\ufeffx'))).toBe('\ufeffx');
    expect(payloadText('as it is')).toBe('as it is');
    expect(payloadText(new Uint8Array())).toBe('');
  });

  it('bytes that are no text are refused', () => {
    expect(() => payloadText(new Uint8Array([0xc3, 0x28]))).toThrow(/not UTF-8 text/);
  });
});
