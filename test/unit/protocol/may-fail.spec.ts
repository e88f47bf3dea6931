import { describe, expect, it } from 'vitest';
import { mayFail as mayCallFail } from '../../../lib/server/engine/may-fail.js';
import { mayFail } from '../../../lib/protocol/internal.js';

describe('which operations a branch may refuse', () => {
  it.each([
    ['saga', 'action', true],
    ['saga', 'compensate', false],
    ['tcc', 'try', true],
    ['tcc', 'confirm', false],
    ['tcc', 'cancel', false],
    ['xa', 'action', true],
    ['xa', 'commit', false],
    ['xa', 'rollback', false],
    ['msg', 'msg', true],
    ['msg', 'action', false],
    ['workflow', 'action', true],
    ['workflow', 'compensate', false],
  ] as const)('%s %s: %s', (transType, op, may) => {
    expect(mayFail(transType, op)).toBe(may);
  });

  it('the workflow itself may, whatever its name is', () => {
    expect(mayCallFail('workflow', 'commit')).toBe(true);
    expect(mayCallFail('saga', 'compensate')).toBe(false);
    expect(mayCallFail('saga', 'action')).toBe(true);
  });
});
