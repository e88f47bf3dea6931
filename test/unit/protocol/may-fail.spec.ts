import { describe, expect, it } from 'vitest';
import { isFailureDecisive } from '../../../lib/server/engine/is-failure-decisive.js';
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
    expect(isFailureDecisive('workflow', 'commit')).toBe(true);
    expect(isFailureDecisive('saga', 'compensate')).toBe(false);
    expect(isFailureDecisive('saga', 'action')).toBe(true);
  });
});
