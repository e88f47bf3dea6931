import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { FAILURE, ONGOING, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, tccOf, withBranches } from './pass-driver.js';

describe('the second phase of a TCC', () => {
  it('confirms in reverse order of registration, one at a time', () => {
    const fixture = new PassDriver(tccOf(3, 'submitted'));
    expect(fixture.advance()).toEqual(['03 confirm']);
    fixture.run();
    expect(fixture.calls).toEqual(['03 confirm', '02 confirm', '01 confirm']);
    expect(fixture.summary).toBe('succeed, 01 confirm succeed, 02 confirm succeed, 03 confirm succeed');
    expect(fixture.transaction.finishTime).toBe(START_TIME);
  });

  it('cancels in reverse order of registration, one at a time', () => {
    const fixture = new PassDriver(tccOf(3, 'aborting')).run();
    expect(fixture.calls).toEqual(['03 cancel', '02 cancel', '01 cancel']);
    expect(fixture.summary).toBe('failed, 01 cancel succeed, 02 cancel succeed, 03 cancel succeed');
    expect(fixture.transaction.rollbackTime).toBe(START_TIME);
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
    const fixture = new PassDriver(stored).run();
    expect(fixture.calls).toEqual(['01 confirm']);
    expect(fixture.summary).toBe('succeed, 01 confirm succeed, 02 confirm succeed');
  });

  it('has no time-out after the submit', () => {
    const fixture = new PassDriver(tccOf(1, 'submitted', { timeoutToFailSeconds: 1 }), START_TIME + 10 ** 9).run({
      '01 confirm': UNKNOWN,
    });
    expect(fixture.transaction).toMatchObject({ status: 'submitted' });
  });
});

describe('a prepared TCC', () => {
  it('waits for its initiator until its time-out and is due then', () => {
    const fixture = new PassDriver(tccOf(1, 'prepared', { timeoutToFailSeconds: 60 }), START_TIME + 59_999).run();
    expect(fixture.calls).toEqual([]);
    expect(fixture.transaction).toMatchObject({
      status: 'prepared',
      nextCronTime: START_TIME + 60_000,
      owner: undefined,
    });
  });

  it.each([
    [{ timeoutToFailSeconds: 7 }, 7],
    [{}, 35],
    [{ timeoutToFailSeconds: 0 }, 35],
  ])('with options %j is cancelled after %i seconds, and says so', (options, seconds) => {
    const fixture = new PassDriver(tccOf(2, 'prepared', options), START_TIME + seconds * 1000).run();
    expect(fixture.calls).toEqual(['02 cancel', '01 cancel']);
    expect(fixture.transaction).toMatchObject({ status: 'failed', rollbackReason: `Timeout after ${seconds} seconds` });
  });

  it('stores that it is aborting, then reloads its branches, before it calls any: one may just have been registered', () => {
    const fixture = new PassDriver(tccOf(1, 'prepared'), START_TIME + 35_000);
    expect(fixture.advance()).toEqual([]);
    expect(fixture.step).toMatchObject({ save: true, reload: true, over: false });
    expect(fixture.transaction.status).toBe('aborting');
    expect(fixture.advance()).toEqual(['01 cancel']);
    expect(fixture.step).toMatchObject({ save: false, reload: false });
  });

  it('without branches fails only after the branches were reloaded', () => {
    const fixture = new PassDriver(tccOf(0, 'prepared'), START_TIME + 35_000);
    fixture.advance();
    expect(fixture.transaction.status).toBe('aborting');
    expect(fixture.step).toMatchObject({ reload: true, over: false });
  });
});
