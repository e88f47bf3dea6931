import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, msgOf, withBranches } from './pass-driver.js';

const TIMEOUT = 35_000;

describe('a prepared message', () => {
  it('waits for its initiator until its time-out and is due then', () => {
    const fixture = new PassDriver(msgOf(2, 'prepared'), START_TIME + TIMEOUT - 1).run();
    expect([fixture.calls, fixture.summary]).toEqual([[], 'prepared']);
    expect(fixture.transaction.nextCronTime).toBe(START_TIME + TIMEOUT);
  });

  it('is queried at its time-out, once in a pass, and delivered in the same pass when the answer is success', () => {
    const fixture = new PassDriver(msgOf(2, 'prepared'), START_TIME + TIMEOUT);
    expect(fixture.advance()).toEqual(['00 msg']);
    expect(fixture.advance({ '00 msg': SUCCESS })).toEqual([]);
    expect([fixture.step.save, fixture.step.reload, fixture.transaction.status]).toEqual([true, true, 'submitted']);
    expect(fixture.run().calls).toEqual(['00 msg', '01 action', '02 action']);
    expect(fixture.summary).toBe('succeed, 01 action succeed, 02 action succeed');
  });

  it('is dropped with the reason of the answer when that is failure', () => {
    const fixture = new PassDriver(msgOf(2, 'prepared'), START_TIME + TIMEOUT).run({ '00 msg': FAILURE });
    expect([fixture.calls, fixture.summary]).toEqual([['00 msg'], 'failed']);
    expect(fixture.transaction).toMatchObject({ rollbackReason: 'refused', rollbackTime: START_TIME + TIMEOUT });
  });

  it.each<[string, Outcome, number]>([
    ['ongoing', ONGOING, 10],
    ['unknown', UNKNOWN, 20],
  ])('stays prepared when the answer is %s, and is asked for again after the interval', (_, outcome, interval) => {
    const now = START_TIME + TIMEOUT + 5;
    const fixture = new PassDriver(msgOf(1, 'prepared'), now).run({ '00 msg': outcome });
    expect([fixture.calls, fixture.summary]).toEqual([['00 msg'], 'prepared']);
    expect(fixture.transaction).toMatchObject({ nextCronTime: now + 10_000, nextCronInterval: interval });
  });

  it.each([ONGOING, UNKNOWN])('is never due at once, however often the initiator answers %j', (outcome) => {
    let details = msgOf(1, 'prepared', { timeoutToFailSeconds: 1 });
    let now = START_TIME + 1000;
    for (let pass = 0; pass < 50; pass++) {
      const fixture = new PassDriver(details, now).run({ '00 msg': outcome });
      expect(fixture.calls).toEqual(['00 msg']);
      expect(fixture.transaction.nextCronTime).toBeGreaterThanOrEqual(now + 1000);
      details = { transaction: fixture.transaction, branches: fixture.pass.branches };
      now = fixture.transaction.nextCronTime;
    }
  });

  it.each([0, TIMEOUT, 10 ** 9])('without query_prepared is neither delivered nor dropped, at age %i', (age) => {
    const fixture = new PassDriver(msgOf(1, 'prepared', { queryPrepared: undefined }), START_TIME + age).run();
    expect([fixture.calls, fixture.summary]).toEqual([[], 'prepared']);
    expect(fixture.transaction.nextCronTime).toBeGreaterThan(fixture.now);
  });

  it('uses the time-out of its options', () => {
    const details = msgOf(1, 'prepared', { timeoutToFailSeconds: 3 });
    expect(new PassDriver(details, START_TIME + 2999).advance()).toEqual([]);
    expect(new PassDriver(details, START_TIME + 3000).advance()).toEqual(['00 msg']);
  });
});

describe('the delivery of a message', () => {
  it('calls one step after the other', () => {
    const fixture = new PassDriver(msgOf(3, 'submitted'));
    expect(fixture.advance()).toEqual(['01 action']);
    expect(fixture.run().calls).toEqual(['01 action', '02 action', '03 action']);
    expect(fixture.summary).toBe('succeed, 01 action succeed, 02 action succeed, 03 action succeed');
    expect(fixture.transaction.finishTime).toBe(START_TIME);
  });

  it.each<[string, Outcome]>([
    ['failure', FAILURE],
    ['ongoing', ONGOING],
    ['unknown', UNKNOWN],
  ])('stops at the first step that answers %s, which is asked again: nothing is rolled back', (_, outcome) => {
    const fixture = new PassDriver(msgOf(3, 'submitted')).run({ '02 action': outcome });
    expect(fixture.calls).toEqual(['01 action', '02 action']);
    expect(fixture.summary).toBe('submitted, 01 action succeed');
    expect(fixture.transaction.nextCronTime).toBe(START_TIME + 10_000);
    const again = new PassDriver({ transaction: fixture.transaction, branches: fixture.pass.branches }).run();
    expect(again.calls).toEqual(['02 action', '03 action']);
    expect(again.transaction.status).toBe('succeed');
  });

  it('calls all steps of a concurrent message at once, also when one gives no decision', () => {
    const fixture = new PassDriver(msgOf(3, 'submitted', { concurrent: true }));
    expect(fixture.advance()).toEqual(['01 action', '02 action', '03 action']);
    expect(fixture.advance({ '02 action': FAILURE })).toEqual([]);
    expect(fixture.step.over).toBe(false);
    fixture.advance({ '01 action': SUCCESS, '03 action': SUCCESS });
    expect([fixture.step.over, fixture.summary]).toEqual([true, 'submitted, 01 action succeed, 03 action succeed']);
    const again = new PassDriver({ transaction: fixture.transaction, branches: fixture.pass.branches }).run();
    expect([again.calls, again.transaction.status]).toEqual([['02 action'], 'succeed']);
  });

  it('waits for the delay, measured from the creation, and is due then', () => {
    const details = msgOf(1, 'submitted', { customData: '{"delay":60}' });
    const early = new PassDriver(details, START_TIME + 59_999).run();
    expect([early.calls, early.summary]).toEqual([[], 'submitted']);
    expect(early.transaction.nextCronTime).toBe(START_TIME + 60_000);
    expect(new PassDriver(details, START_TIME + 60_000).run().summary).toBe('succeed, 01 action succeed');
  });

  it('waits for the delay after the query-back, too', () => {
    const details = msgOf(1, 'prepared', { customData: '{"delay":60}' });
    const fixture = new PassDriver(details, START_TIME + TIMEOUT).run();
    expect([fixture.calls, fixture.summary]).toEqual([['00 msg'], 'submitted']);
    expect(fixture.transaction.nextCronTime).toBe(START_TIME + 60_000);
  });

  it('has no time-out after the submit', () => {
    const fixture = new PassDriver(msgOf(1, 'submitted', { timeoutToFailSeconds: 1 }), START_TIME + 10 ** 9);
    expect(fixture.run({ '01 action': UNKNOWN }).summary).toBe('submitted');
  });

  it('treats an empty URL as success', () => {
    const fixture = new PassDriver(withBranches(msgOf(2, 'submitted'), { '01 action': { url: '' } })).run();
    expect([fixture.calls, fixture.summary]).toEqual([['02 action'], 'succeed, 01 action succeed, 02 action succeed']);
  });

  it('has nothing to do for a message without steps', () => {
    expect(new PassDriver(msgOf(0, 'submitted')).run().summary).toBe('succeed');
  });
});

it.each(['succeed', 'failed'] as const)('a message with status %s is not called', (status) => {
  const fixture = new PassDriver(msgOf(1, status), START_TIME + 10 ** 9).run();
  expect([fixture.calls, fixture.summary]).toEqual([[], status]);
});
