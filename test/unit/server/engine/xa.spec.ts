import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { FAILURE, ONGOING, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, branchRows, twoPhaseOf } from './pass-driver.js';

describe('an XA transaction', () => {
  it('has two records for each branch: rollback and commit, both with its URL and no body', () => {
    expect(branchRows('xa', ['01'])).toEqual(
      ['rollback', 'commit'].map((op) => ({
        branchId: '01',
        op,
        url: 'http://b/xa01',
        payload: '',
        status: 'prepared',
      })),
    );
  });

  it('commits in the order of registration, one at a time', () => {
    const fixture = new PassDriver(twoPhaseOf('xa', 3, 'submitted'));
    expect(fixture.advance()).toEqual(['01 commit']);
    expect(fixture.run().calls).toEqual(['01 commit', '02 commit', '03 commit']);
    expect(fixture.summary).toBe('succeed, 01 commit succeed, 02 commit succeed, 03 commit succeed');
  });

  it('rolls back in the order of registration, one at a time', () => {
    const fixture = new PassDriver(twoPhaseOf('xa', 3, 'aborting')).run();
    expect(fixture.calls).toEqual(['01 rollback', '02 rollback', '03 rollback']);
    expect(fixture.summary).toBe('failed, 01 rollback succeed, 02 rollback succeed, 03 rollback succeed');
  });

  it.each<[string, Outcome]>([
    ['failure', FAILURE],
    ['ongoing', ONGOING],
    ['unknown', UNKNOWN],
  ])('stops at the first branch that answers %s; the decision stands', (_, outcome) => {
    const committed = new PassDriver(twoPhaseOf('xa', 3, 'submitted')).run({ '02 commit': outcome });
    expect(committed.calls).toEqual(['01 commit', '02 commit']);
    expect(committed.summary).toBe('submitted, 01 commit succeed');
    const rolledBack = new PassDriver(twoPhaseOf('xa', 3, 'aborting')).run({ '01 rollback': outcome });
    expect(rolledBack.calls).toEqual(['01 rollback']);
    expect(rolledBack.summary).toBe('aborting');
  });

  it('waits for its initiator while prepared, and is rolled back at its time-out', () => {
    const waiting = new PassDriver(twoPhaseOf('xa', 1, 'prepared'), START_TIME + 34_999).run();
    expect([waiting.calls, waiting.summary]).toEqual([[], 'prepared']);
    expect(waiting.transaction.nextCronTime).toBe(START_TIME + 35_000);
    const fixture = new PassDriver(twoPhaseOf('xa', 1, 'prepared'), START_TIME + 35_000).run();
    expect([fixture.calls, fixture.summary]).toEqual([['01 rollback'], 'failed, 01 rollback succeed']);
    expect(fixture.transaction.rollbackReason).toBe('Timeout after 35 seconds');
  });
});
