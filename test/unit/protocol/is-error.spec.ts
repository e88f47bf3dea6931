import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { errorText, isError } from '../../../lib/protocol/internal.js';
import { isDefiniteError } from '../../../lib/transport/is-definite-error.js';

/** An error as code under Jest gets it from Node: of another class `Error`. */
const foreign = (expression: string): unknown => runInNewContext(expression);

describe('an error of another context', () => {
  it('is an error', () => {
    expect(foreign('new Error("down")') instanceof Error).toBe(false);
    expect(isError(foreign('new Error("down")'))).toBe(true);
    expect(isError(new DOMException('aborted', 'AbortError'))).toBe(true);
    for (const value of [undefined, null, 'down', {}, { message: 'down' }]) expect(isError(value)).toBe(false);
  });

  it('has its text', () => {
    expect(errorText(foreign('new Error("down")'))).toBe('down');
    expect(errorText(foreign('new AggregateError([new Error("one"), new Error("other")])'))).toBe('one; other');
    expect(errorText(foreign('Object.assign(new Error(""), { code: "ECONNREFUSED" })'))).toBe('ECONNREFUSED');
  });

  it('is definite by its code', () => {
    expect(isDefiniteError(foreign('Object.assign(new Error(""), { code: "ENOTFOUND" })'))).toBe(true);
    expect(isDefiniteError(foreign('Object.assign(new Error(""), { code: "ECONNREFUSED" })'))).toBe(false);
  });
});
