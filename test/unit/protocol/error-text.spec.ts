import { describe, expect, it } from 'vitest';
import { DtmFailureError, errorText } from '../../../lib/protocol/internal.js';

describe('errorText', () => {
  it.each([
    [new Error('down'), 'down'],
    [new AggregateError([new Error('one'), new Error('other')]), 'one; other'],
    [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new TypeError(''), 'TypeError'],
    [new DtmFailureError(''), ''],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('reads the text of %s', (error, text) => {
    expect(errorText(error)).toBe(text);
  });
});
