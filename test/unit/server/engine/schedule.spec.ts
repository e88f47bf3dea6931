import type { Outcome, TransactionOptions } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { baseInterval, leaseTime, requestTimeout } from '../../../../lib/server/engine/schedule.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, SETTINGS, sagaOf } from './pass-driver.js';

/** Runs a pass over a saga of two steps; returns the stored interval and the seconds until the next attempt. */
function after(
  answers: Record<string, Outcome>,
  { interval, options, random = 0 }: { interval?: number; options?: TransactionOptions; random?: number } = {},
) {
  const details = sagaOf({ steps: 2, options: options ?? {} });
  const transaction = { ...details.transaction, nextCronInterval: interval ?? details.transaction.nextCronInterval };
  const fixture = new PassDriver({ ...details, transaction });
  fixture.random = random;
  fixture.run(answers);
  return [fixture.transaction.nextCronInterval, (fixture.transaction.nextCronTime - START_TIME) / 1000];
}

describe('the next attempt of a transaction', () => {
  it('comes after one interval when the answer is unknown, then after twice the interval', () => {
    expect(after({ '01 action': UNKNOWN })).toEqual([20, 10]);
    expect(after({ '01 action': UNKNOWN }, { interval: 20 })).toEqual([40, 20]);
    expect(after({ '01 action': UNKNOWN }, { interval: 160 })).toEqual([300, 160]);
  });

  it('comes at the latest after the longest interval', () => {
    expect(after({ '01 action': UNKNOWN }, { interval: 300 })).toEqual([300, 300]);
  });

  it('comes after the base interval when that exceeds the longest interval', () => {
    expect(after({ '01 action': UNKNOWN }, { interval: 600, options: { retryIntervalSeconds: 600 } })).toEqual([
      600, 600,
    ]);
  });

  it('comes after the same interval when the answer is ongoing', () => {
    expect(after({ '01 action': ONGOING })).toEqual([10, 10]);
    expect(after({ '01 action': ONGOING }, { interval: 80 })).toEqual([80, 80]);
  });

  it('comes after the base interval when there was progress', () => {
    expect(after({ '01 action': SUCCESS, '02 action': UNKNOWN }, { interval: 160 })).toEqual([20, 10]);
    expect(after({ '01 action': SUCCESS, '02 action': ONGOING }, { interval: 160 })).toEqual([10, 10]);
  });

  it('comes after the base interval after a change of direction: compensations do not inherit the interval of actions', () => {
    expect(after({ '01 action': FAILURE, '01 compensate': UNKNOWN }, { interval: 160 })).toEqual([20, 10]);
    const details = sagaOf({ steps: 1, options: { timeoutToFailSeconds: 500 } });
    const timedOut = { ...details, transaction: { ...details.transaction, nextCronInterval: 160 } };
    const fixture = new PassDriver(timedOut, START_TIME + 500_000).run({ '01 compensate': UNKNOWN });
    expect(fixture.transaction).toMatchObject({ nextCronInterval: 20, nextCronTime: fixture.now + 10_000 });
  });

  it('comes up to a tenth later, so that retries do not arrive together', () => {
    expect(after({ '01 action': UNKNOWN }, { random: 0.5 })[1]).toBe(10.5);
    expect(after({ '01 action': UNKNOWN }, { random: 0.999 })[1]).toBeCloseTo(11, 1);
  });

  it('comes at the latest at the time-out', () => {
    expect(after({ '01 action': UNKNOWN }, { interval: 40, options: { timeoutToFailSeconds: 25 }, random: 1 })[1]).toBe(
      25,
    );
  });

  it('does not exist when the transaction is final, which has no owner', () => {
    const fixture = new PassDriver(sagaOf({ steps: 1 })).run();
    expect(fixture.transaction).toMatchObject({ status: 'succeed', owner: undefined });
  });
});

describe('the base interval', () => {
  it.each<[TransactionOptions, number]>([
    [{}, 10],
    [{ retryIntervalSeconds: 3 }, 3],
    [{ retryIntervalSeconds: 0 }, 10],
    [{ timeoutToFailSeconds: 4 }, 4],
    [{ timeoutToFailSeconds: 60 }, 10],
    [{ timeoutToFailSeconds: 4, retryIntervalSeconds: 20 }, 20],
  ])('of %j is %i s', (options, seconds) => {
    expect(baseInterval(options, SETTINGS)).toBe(seconds);
  });
});

describe('the lease of a pass', () => {
  it('is longer than the time-out of its calls', () => {
    expect(requestTimeout({}, SETTINGS)).toBe(3);
    expect(requestTimeout({ requestTimeoutSeconds: 60 }, SETTINGS)).toBe(60);
    expect(leaseTime({ requestTimeoutSeconds: 60 }, SETTINGS, START_TIME)).toBeGreaterThan(START_TIME + 60_000);
  });

  it('is renewed by each answer', () => {
    const fixture = new PassDriver(sagaOf({ steps: 3 }));
    fixture.advance();
    fixture.now += 2500;
    fixture.advance({ '01 action': SUCCESS });
    expect(fixture.transaction.nextCronTime).toBe(leaseTime({}, SETTINGS, fixture.now));
  });
});
