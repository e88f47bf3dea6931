import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { FAILURE, ONGOING, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, tccOf, withBranches } from './pass-driver.js';

describe('the second phase of a TCC', () => {
  it('confirms in reverse order of registration, one at a time', () => {
    const bed = new PassDriver(tccOf(3, 'submitted'));
    expect(bed.advance()).toEqual(['03 confirm']);
    bed.run();
    expect(bed.calls).toEqual(['03 confirm', '02 confirm', '01 confirm']);
    expect(bed.summary).toBe('succeed, 01 confirm succeed, 02 confirm succeed, 03 confirm succeed');
    expect(bed.transaction.finishTime).toBe(START_TIME);
  });

  it('cancels in reverse order of registration, one at a time', () => {
    const bed = new PassDriver(tccOf(3, 'aborting')).run();
    expect(bed.calls).toEqual(['03 cancel', '02 cancel', '01 cancel']);
    expect(bed.summary).toBe('failed, 01 cancel succeed, 02 cancel succeed, 03 cancel succeed');
    expect(bed.transaction.rollbackTime).toBe(START_TIME);
  });

  it.each<[string, Outcome]>([
    ['failure', FAILURE],
    ['ongoing', ONGOING],
    ['unknown', UNKNOWN],
  ])('ends at the first branch that answers %s; the decision stands', (_, outcome) => {
    const confirmed = new PassDriver(tccOf(3, 'submitted')).run({ '02 confirm': outcome });
    expect(confirmed.calls).toEqual(['03 confirm', '02 confirm']);
    expect(confirmed.summary).toBe('submitted, 03 confirm succeed');
    const cancelled = new PassDriver(tccOf(3, 'aborting')).run({ '03 cancel': outcome });
    expect(cancelled.calls).toEqual(['03 cancel']);
    expect(cancelled.summary).toBe('aborting');
  });

  it('resumes where it stopped', () => {
    const stored = withBranches(tccOf(3, 'submitted'), { '03 confirm': { status: 'succeed' } });
    expect(new PassDriver(stored).run().calls).toEqual(['02 confirm', '01 confirm']);
  });

  it('has nothing to do for a TCC without branches', () => {
    expect(new PassDriver(tccOf(0, 'submitted')).run().summary).toBe('succeed');
    expect(new PassDriver(tccOf(0, 'aborting')).run().summary).toBe('failed');
  });

  it('treats an empty URL as success', () => {
    const stored = withBranches(tccOf(2, 'submitted'), { '02 confirm': { url: '' } });
    const bed = new PassDriver(stored).run();
    expect(bed.calls).toEqual(['01 confirm']);
    expect(bed.summary).toBe('succeed, 01 confirm succeed, 02 confirm succeed');
  });

  it('has no time-out after the submit', () => {
    const bed = new PassDriver(tccOf(1, 'submitted', { timeoutToFailSeconds: 1 }), START_TIME + 10 ** 9).run({
      '01 confirm': UNKNOWN,
    });
    expect(bed.transaction).toMatchObject({ status: 'submitted' });
  });
});

describe('a prepared TCC', () => {
  it('waits for its initiator until its time-out and is due then', () => {
    const bed = new PassDriver(tccOf(1, 'prepared', { timeoutToFailSeconds: 60 }), START_TIME + 59_999).run();
    expect(bed.calls).toEqual([]);
    expect(bed.transaction).toMatchObject({ status: 'prepared', nextCronTime: START_TIME + 60_000, owner: undefined });
  });

  it.each([
    [{ timeoutToFailSeconds: 7 }, 7],
    [{}, 35],
    [{ timeoutToFailSeconds: 0 }, 35],
  ])('with options %j is cancelled after %i seconds, and says so', (options, seconds) => {
    const bed = new PassDriver(tccOf(2, 'prepared', options), START_TIME + seconds * 1000).run();
    expect(bed.calls).toEqual(['02 cancel', '01 cancel']);
    expect(bed.transaction).toMatchObject({ status: 'failed', rollbackReason: `Timeout after ${seconds} seconds` });
  });

  it('stores that it is aborting, then reloads its branches, before it calls any: one may just have been registered', () => {
    const bed = new PassDriver(tccOf(1, 'prepared'), START_TIME + 35_000);
    expect(bed.advance()).toEqual([]);
    expect(bed.step).toMatchObject({ save: true, reload: true, over: false });
    expect(bed.transaction.status).toBe('aborting');
    expect(bed.advance()).toEqual(['01 cancel']);
    expect(bed.step).toMatchObject({ save: false, reload: false });
  });

  it('without branches fails only after the branches were reloaded', () => {
    const bed = new PassDriver(tccOf(0, 'prepared'), START_TIME + 35_000);
    bed.advance();
    expect(bed.transaction.status).toBe('aborting');
    expect(bed.step).toMatchObject({ reload: true, over: false });
  });
});
