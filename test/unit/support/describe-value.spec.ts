import { describe, expect, it } from 'vitest';
import { describeValue } from '../../../lib/support/describe-value.js';

describe('describeValue', () => {
  it.each([
    ['a "b"', '"a \\"b\\""'],
    ['x'.repeat(101), `"${'x'.repeat(100)}…"`],
    [0.5, '0.5'],
    [10n, '10'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1], 'an array'],
    [new Uint8Array([1]), 'bytes'],
    [{ password: 'secret' }, 'an object'],
    [() => 1, 'a function'],
  ])('describes %s as %s', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });
});
