import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { advance, type Step } from '../../../../lib/server/engine/advance.js';
import { MODES } from '../../../../lib/server/engine/modes.js';
import { beginPass, type Answer, type Deferred } from '../../../../lib/server/engine/pass.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { SETTINGS, msgOf, sagaOf, tccOf } from './pass-driver.js';

const NOW = START_TIME + 1000;
const deferred = (seconds: number): Deferred => ({ kind: 'deferred', until: NOW + seconds * 1000 });

type Details = ReturnType<typeof sagaOf>;

/** Runs a pass in which the calls are answered in order, until it is over. */
function run(details: Details, ...answers: readonly (Outcome | Deferred)[]): Step {
  const machine = MODES[details.transaction.transType].machine(details.transaction, details.branches.length, SETTINGS);
  const context = { settings: SETTINGS, random: () => 0 };
  const rest = [...answers];
  let step = advance(machine, beginPass(details), [], NOW, context);
  while (!step.over) {
    const received = [...step.pass.running].map((branch): Answer => ({ branch, outcome: rest.shift() ?? SUCCESS }));
    step = advance(machine, step.pass, received, NOW, context);
  }
  return step;
}

const seconds = ({ pass }: Step): number => (pass.transaction.nextCronTime - NOW) / 1000;

const concurrent = (change: Parameters<typeof sagaOf>[0]) => sagaOf({ ...change, concurrent: true });

describe('a deferred call', () => {
  it('changes neither branch nor interval; the transaction is due at the end of the deferral', () => {
    const details = sagaOf({ steps: 2, options: { retryLimit: 1 } });
    const transaction = { ...details.transaction, nextCronInterval: 80 };
    const step = run({ ...details, transaction }, deferred(7));
    expect(step.pass.branches).toEqual(details.branches);
    expect(step.changed.size).toBe(0);
    expect(step.pass.transaction).toMatchObject({ nextCronInterval: 80, owner: undefined, status: 'submitted' });
    expect(step.pass.transaction.retryCount).toBeUndefined();
    expect(seconds(step)).toBe(7);
  });

  it('is not repeated in the same pass', () => {
    expect(run(sagaOf({ steps: 3 }), SUCCESS, deferred(7)).pass.branches.map(({ status }) => status)).toEqual(
      'prepared succeed prepared prepared prepared prepared'.split(' '),
    );
  });

  it('among several makes the transaction due at the earliest end', () => {
    expect(seconds(run(concurrent({ steps: 3 }), deferred(50), deferred(7), deferred(20)))).toBe(7);
  });

  it.each([
    ['unknown', UNKNOWN, 10, 20],
    ['ongoing', ONGOING, 10, 10],
  ] as const)('leaves its pause to another branch whose answer is %s', (_, outcome, pause, interval) => {
    const step = run(concurrent({ steps: 2 }), deferred(3), outcome);
    expect([seconds(step), step.pass.transaction.nextCronInterval]).toEqual([pause, interval]);
  });

  it('does not postpone the time-out of the transaction', () => {
    expect(seconds(run(sagaOf({ steps: 1, options: { timeoutToFailSeconds: 25 } }), deferred(60)))).toBe(24);
  });

  it('can be a compensation, a second phase, a delivery or a query of the initiator', () => {
    const back = run(sagaOf({ steps: 2 }), SUCCESS, FAILURE, deferred(9));
    expect([back.pass.transaction.status, seconds(back)]).toEqual(['aborting', 9]);
    const tcc = run(tccOf(2, 'submitted'), SUCCESS, deferred(9));
    expect([tcc.pass.transaction.status, seconds(tcc)]).toEqual(['submitted', 9]);
    const delivery = run(msgOf(2, 'submitted'), deferred(9));
    expect([delivery.pass.transaction.status, seconds(delivery)]).toEqual(['submitted', 9]);
    const old = msgOf(2, 'prepared', { timeoutToFailSeconds: 1 });
    const question = run(old, deferred(9));
    expect([question.pass.transaction.status, seconds(question)]).toEqual(['prepared', 9]);
  });

  it('does not change a transaction that needs attention', () => {
    const details = tccOf(1, 'submitted');
    const branches = details.branches.map((branch) => ({ ...branch, failures: 3, attempts: 3, lastError: 'no' }));
    const transaction = { ...details.transaction, attention: 'why' };
    expect(run({ transaction, branches }, deferred(9)).pass.transaction.attention).toBe('why');
  });

  it('counts towards attention, but is no attempt, while its target answers what waiting does not change', () => {
    const refused: Deferred = { ...deferred(9), refusal: 'no answer: ENOTFOUND' };
    let details: Details = tccOf(1, 'submitted');
    for (let count = 1; count <= 3; count++) {
      const { pass } = run(details, refused);
      expect(pass.branches[1]).toMatchObject({ failures: count, lastError: 'no answer: ENOTFOUND' });
      expect(pass.branches[1]!.attempts).toBeUndefined();
      details = { transaction: pass.transaction, branches: [...pass.branches] };
    }
    expect(details.transaction.attention).toMatch(/^confirm of branch 01 was refused 3 times: no answer: ENOTFOUND;/);
    let message: Details = msgOf(1, 'prepared', { timeoutToFailSeconds: 1 });
    for (let count = 1; count <= 3; count++) {
      const { pass } = run(message, refused);
      message = { transaction: pass.transaction, branches: [...pass.branches] };
    }
    expect(message.transaction.attention).toMatch(/^query_prepared was refused 3 times: no answer: ENOTFOUND;/);
  });
});
