import type { Outcome } from 'nestjs-dtm/protocol';
import { MODES } from '../../../../lib/server/engine/modes.js';
import { beginPass, type Pass } from '../../../../lib/server/engine/pass.js';
import { describe, expect, it } from 'vitest';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, SETTINGS, sagaOf, withBranches, type SagaShape } from './pass-driver.js';

interface Case {
  readonly title: string;
  readonly saga: SagaShape;
  readonly answers?: Readonly<Record<string, Outcome>>;
  /** Calls of the pass, in order. */
  readonly calls: string;
  /** The stored state at the end. */
  readonly end: string;
}

const ALL = { '01 action': SUCCESS };

describe('a pass over a saga whose steps run one after the other', () => {
  it.each<Case>([
    {
      title: 'succeeds when every action does',
      saga: { steps: 3 },
      calls: '01 action, 02 action, 03 action',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
    { title: 'without steps succeeds at once', saga: { steps: 0 }, calls: '', end: 'succeed' },
    {
      title: 'compensates the first step when that fails, and nothing else',
      saga: { steps: 2 },
      answers: { '01 action': FAILURE },
      calls: '01 action, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action failed',
    },
    {
      title: 'compensates backwards, the failed step first',
      saga: { steps: 3 },
      answers: { '02 action': FAILURE },
      calls: '01 action, 02 action, 02 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action failed',
    },
    {
      title: 'compensates everything when the last step fails',
      saga: { steps: 3 },
      answers: { '03 action': FAILURE },
      calls: '01 action, 02 action, 03 action, 03 compensate, 02 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action succeed, 03 compensate succeed, 03 action failed',
    },
    {
      title: 'ends at an answer without a decision, and does not ask twice',
      saga: { steps: 3 },
      answers: { '02 action': UNKNOWN },
      calls: '01 action, 02 action',
      end: 'submitted, 01 action succeed',
    },
    {
      title: 'ends at an ongoing step',
      saga: { steps: 3 },
      answers: { '02 action': ONGOING },
      calls: '01 action, 02 action',
      end: 'submitted, 01 action succeed',
    },
    {
      title: 'goes past an empty action without a call',
      saga: { steps: 3, urls: { 2: { action: '' } } },
      calls: '01 action, 03 action',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
    {
      title: 'of nothing but empty actions succeeds without a call',
      saga: { steps: 3, urls: { 1: { action: '' }, 2: { action: '' }, 3: { action: '' } } },
      calls: '',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
    {
      title: 'counts an empty compensation as done',
      saga: { steps: 3, urls: { 2: { compensate: '' } } },
      answers: { '03 action': FAILURE },
      calls: '01 action, 02 action, 03 action, 03 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action succeed, 03 compensate succeed, 03 action failed',
    },
    {
      title: 'waits at a compensation that fails: those before it must not overtake it',
      saga: { steps: 3 },
      answers: { '03 action': FAILURE, '02 compensate': FAILURE },
      calls: '01 action, 02 action, 03 action, 03 compensate, 02 compensate',
      end: 'aborting, 01 action succeed, 02 action succeed, 03 compensate succeed, 03 action failed',
    },
    {
      title: 'waits at a compensation without a decision',
      saga: { steps: 2 },
      answers: { '02 action': FAILURE, '02 compensate': ONGOING },
      calls: '01 action, 02 action, 02 compensate',
      end: 'aborting, 01 action succeed, 02 action failed',
    },
    {
      title: 'honours orders in addition to the sequence',
      saga: { steps: 3, orders: { 2: [0] } },
      calls: '01 action, 02 action, 03 action',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
  ])('$title', ({ saga, answers, calls, end }) => {
    const fixture = new PassDriver(sagaOf(saga)).run(answers);
    expect(fixture.calls.join(', ')).toBe(calls);
    expect(fixture.summary).toBe(end);
  });
});

describe('a pass over a concurrent saga', () => {
  it.each<Case>([
    {
      title: 'calls all actions at once',
      saga: { steps: 3, concurrent: true },
      answers: ALL,
      calls: '01 action, 02 action, 03 action',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
    {
      title: 'compensates all that were called, the last first',
      saga: { steps: 3, concurrent: true },
      answers: { '03 action': FAILURE },
      calls: '01 action, 02 action, 03 action, 03 compensate, 02 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action succeed, 03 compensate succeed, 03 action failed',
    },
    {
      title: 'does not start, nor compensate, a step whose predecessor failed',
      saga: { steps: 2, concurrent: true, orders: { 1: [0] } },
      answers: { '01 action': FAILURE },
      calls: '01 action, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action failed',
    },
    {
      title: 'starts a step when all its predecessors have succeeded',
      saga: { steps: 3, concurrent: true, orders: { 2: [0, 1] } },
      calls: '01 action, 02 action, 03 action',
      end: 'succeed, 01 action succeed, 02 action succeed, 03 action succeed',
    },
    {
      title: 'rolls a step back only when those that waited for it are',
      saga: { steps: 3, concurrent: true, orders: { 1: [0], 2: [1] } },
      answers: { '03 action': FAILURE },
      calls: '01 action, 02 action, 03 action, 03 compensate, 02 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action succeed, 03 compensate succeed, 03 action failed',
    },
    {
      title: 'goes on with the others when one gives no decision',
      saga: { steps: 3, concurrent: true, orders: { 2: [1] } },
      answers: { '01 action': UNKNOWN },
      calls: '01 action, 02 action, 03 action',
      end: 'submitted, 02 action succeed, 03 action succeed',
    },
    {
      title: 'also compensates an undecided step, which may have taken effect',
      saga: { steps: 2, concurrent: true },
      answers: { '01 action': UNKNOWN, '02 action': FAILURE },
      calls: '01 action, 02 action, 02 compensate, 01 compensate',
      end: 'failed, 01 compensate succeed, 02 compensate succeed, 02 action failed',
    },
  ])('$title', ({ saga, answers, calls, end }) => {
    const fixture = new PassDriver(sagaOf(saga)).run(answers);
    expect(fixture.calls.join(', ')).toBe(calls);
    expect(fixture.summary).toBe(end);
  });

  it('starts compensating while other actions are still running, but never the step of a running action', () => {
    const fixture = new PassDriver(sagaOf({ steps: 3, concurrent: true }));
    expect(fixture.advance()).toEqual(['01 action', '02 action', '03 action']);
    expect(fixture.advance({ '01 action': SUCCESS })).toEqual([]);
    expect(fixture.advance({ '02 action': FAILURE })).toEqual(['02 compensate', '01 compensate']);
    expect(fixture.running).toEqual(['03 action', '02 compensate', '01 compensate']);
    expect(fixture.advance({ '02 compensate': SUCCESS, '01 compensate': SUCCESS })).toEqual([]);
    expect(fixture.transaction.status).toBe('aborting');
    expect(fixture.advance({ '03 action': SUCCESS })).toEqual(['03 compensate']);
    expect(fixture.advance({ '03 compensate': SUCCESS })).toEqual([]);
    expect(fixture.summary).toContain('failed');
    expect(fixture.step.over).toBe(true);
  });

  it.each([SUCCESS, FAILURE, UNKNOWN, ONGOING])(
    'compensates a step whose action answers %j after the rollback began',
    (outcome) => {
      const fixture = new PassDriver(sagaOf({ steps: 2, concurrent: true }));
      fixture.advance();
      fixture.advance({ '02 action': FAILURE });
      fixture.advance({ '02 compensate': SUCCESS });
      expect(fixture.advance({ '01 action': outcome })).toEqual(['01 compensate']);
    },
  );

  it('compensates a predecessor only after the running action of its successor has answered and is compensated', () => {
    const fixture = new PassDriver(sagaOf({ steps: 3, concurrent: true, orders: { 1: [0] } }));
    fixture.advance();
    expect(fixture.advance({ '01 action': SUCCESS })).toEqual(['02 action']);
    expect(fixture.advance({ '03 action': FAILURE })).toEqual(['03 compensate']);
    expect(fixture.advance({ '03 compensate': SUCCESS })).toEqual([]);
    expect(fixture.advance({ '02 action': SUCCESS })).toEqual(['02 compensate']);
    expect(fixture.advance({ '02 compensate': SUCCESS })).toEqual(['01 compensate']);
  });

  it('records several answers at once', () => {
    const fixture = new PassDriver(sagaOf({ steps: 2, concurrent: true }));
    fixture.advance();
    expect(fixture.advance({ '01 action': FAILURE, '02 action': SUCCESS })).toEqual(['02 compensate', '01 compensate']);
  });

  it('names the first failed step as the reason', () => {
    const fixture = new PassDriver(sagaOf({ steps: 2, concurrent: true }));
    fixture.advance();
    fixture.advance({
      '02 action': { kind: 'failure', message: 'two' },
      '01 action': { kind: 'failure', message: 'one' },
    });
    expect(fixture.transaction.rollbackReason).toBe('url:http://b/a1 return failed: one');
  });
});

describe('a new pass over a saga', () => {
  it('resumes the actions where they stopped', () => {
    const stored = withBranches(sagaOf({ steps: 3 }), { '01 action': { status: 'succeed' } });
    expect(new PassDriver(stored).run().calls).toEqual(['02 action', '03 action']);
  });

  it('resumes the rollback where it stopped', () => {
    const details = withBranches(sagaOf({ steps: 3 }), {
      '01 action': { status: 'succeed' },
      '02 action': { status: 'succeed' },
      '03 action': { status: 'failed' },
      '03 compensate': { status: 'succeed' },
    });
    const stored = {
      ...details,
      transaction: { ...details.transaction, status: 'aborting', rollbackReason: 'why' } as const,
    };
    const fixture = new PassDriver(stored).run();
    expect(fixture.calls).toEqual(['02 compensate', '01 compensate']);
    expect(fixture.transaction).toMatchObject({ status: 'failed', rollbackReason: 'why', rollbackTime: START_TIME });
  });

  it('aborts for a failure that was stored, with its reason, even when the abort was not stored', () => {
    const stored = withBranches(sagaOf({ steps: 2 }), { '01 action': { status: 'failed', lastError: 'no money' } });
    const fixture = new PassDriver(stored).run();
    expect(fixture.calls).toEqual(['01 compensate']);
    expect(fixture.transaction.rollbackReason).toBe('url:http://b/a1 return failed: no money');
  });

  it.each(['succeed', 'failed'] as const)('does nothing when the saga is %s', (status) => {
    const fixture = new PassDriver(sagaOf({ steps: 2, status })).run();
    expect(fixture.calls).toEqual([]);
    expect(fixture.transaction.status).toBe(status);
  });
});

describe('the time-out of a saga', () => {
  const late = START_TIME + 5000;
  const options = { timeoutToFailSeconds: 5 };

  it('compensates the steps that are done and the step that may have been called', () => {
    const stored = withBranches(sagaOf({ steps: 3, options }), { '01 action': { status: 'succeed' } });
    const fixture = new PassDriver(stored, late).run();
    expect(fixture.calls).toEqual(['02 compensate', '01 compensate']);
    expect(fixture.transaction).toMatchObject({ status: 'failed', rollbackReason: 'Timeout after 5 seconds' });
  });

  it('is exact to the millisecond', () => {
    expect(new PassDriver(sagaOf({ steps: 1, options }), late - 1).advance()).toEqual(['01 action']);
    expect(new PassDriver(sagaOf({ steps: 1, options }), late).advance()).toEqual(['01 compensate']);
  });

  it('waits for the answer of a running action, then compensates it', () => {
    const fixture = new PassDriver(sagaOf({ steps: 2, options }), START_TIME);
    fixture.advance();
    fixture.now = late;
    expect(fixture.advance({ '01 action': SUCCESS })).toEqual(['02 compensate']);
    expect(fixture.advance({ '02 compensate': SUCCESS })).toEqual(['01 compensate']);
    expect(fixture.transaction.rollbackReason).toBe('Timeout after 5 seconds');
  });

  it('has no effect when the last action has succeeded', () => {
    const fixture = new PassDriver(sagaOf({ steps: 1, options }), START_TIME);
    fixture.advance();
    fixture.now = late;
    fixture.advance({ '01 action': SUCCESS });
    expect(fixture.transaction.status).toBe('succeed');
  });

  it('is not the reason when an action has failed', () => {
    const fixture = new PassDriver(sagaOf({ steps: 1, options }), START_TIME);
    fixture.advance();
    fixture.now = late;
    fixture.advance({ '01 action': FAILURE });
    expect(fixture.transaction.rollbackReason).toMatch(/^url:/);
  });

  it('does not exist unless it is set', () => {
    expect(new PassDriver(sagaOf({ steps: 1 }), START_TIME + 10 ** 12).advance()).toEqual(['01 action']);
  });

  it('fails a prepared saga without a call; nothing happens before', () => {
    const saga = sagaOf({ steps: 2, options, status: 'prepared' });
    const early = new PassDriver(saga, late - 1).run();
    expect([early.calls, early.transaction.status, early.transaction.nextCronTime]).toEqual([[], 'prepared', late]);
    const fixture = new PassDriver(saga, late).run();
    expect(fixture.calls).toEqual([]);
    expect(fixture.transaction).toMatchObject({
      status: 'failed',
      rollbackReason: 'Timeout after 5 seconds',
      rollbackTime: late,
    });
  });

  it('has no effect during the rollback', () => {
    const details = sagaOf({ steps: 1, options, status: 'aborting' });
    const fixture = new PassDriver(details, late).run({ '01 compensate': UNKNOWN });
    expect(fixture.transaction).toMatchObject({ status: 'aborting', nextCronTime: late + 5000 });
  });
});

describe('retry_limit', () => {
  const options = { retryLimit: 2 };
  const afterTries = (retryCount: number) => {
    const details = sagaOf({ steps: 2, options });
    return { ...details, transaction: { ...details.transaction, retryCount } };
  };

  it('counts undecided attempts in the record, so that a restart does not forget them', () => {
    expect(new PassDriver(afterTries(0)).run({ '01 action': UNKNOWN }).transaction.retryCount).toBe(1);
    expect(new PassDriver(afterTries(1)).run({ '01 action': UNKNOWN }).transaction).toMatchObject({
      retryCount: 2,
      status: 'submitted',
    });
  });

  it('rolls back after the last allowed attempt, the undecided step included', () => {
    const fixture = new PassDriver(afterTries(2)).run({ '01 action': UNKNOWN });
    expect(fixture.calls).toEqual(['01 action', '01 compensate']);
    expect(fixture.transaction).toMatchObject({
      status: 'failed',
      rollbackReason: 'RetryCount is greater than RetryLimit, RetryLimit: 2',
    });
  });

  it('does not count ongoing answers', () => {
    const fixture = new PassDriver(afterTries(2)).run({ '01 action': ONGOING });
    expect(fixture.transaction).toMatchObject({ status: 'submitted', retryCount: 2 });
  });

  it('does not count compensations', () => {
    const fixture = new PassDriver({
      ...afterTries(0),
      transaction: { ...afterTries(0).transaction, status: 'aborting' },
    }).run({ '01 compensate': UNKNOWN });
    expect(fixture.transaction.retryCount).toBe(0);
  });

  it('does not exist unless it is set', () => {
    const details = sagaOf({ steps: 1 });
    const tried = { ...details, transaction: { ...details.transaction, retryCount: 10_000 } };
    expect(new PassDriver(tried).run({ '01 action': UNKNOWN }).transaction.status).toBe('submitted');
  });
});

describe('what is stored of a call', () => {
  it.each<[string, Outcome, object]>([
    ['a success', SUCCESS, { status: 'succeed', attempts: 3, lastError: undefined }],
    ['a failure', FAILURE, { status: 'failed', attempts: 3, lastError: 'refused' }],
    ['an ongoing step', ONGOING, { status: 'prepared', attempts: 3, lastError: 'not yet' }],
    ['an unknown outcome', UNKNOWN, { status: 'prepared', attempts: 3, lastError: 'status 500: boom' }],
  ])('%s', (_, outcome, expected) => {
    const stored = withBranches(sagaOf({ steps: 1 }), { '01 action': { attempts: 2, lastError: 'before' } });
    const fixture = new PassDriver(stored);
    fixture.advance();
    fixture.advance({ '01 action': outcome });
    expect(fixture.pass.branches[1]).toMatchObject(expected);
    expect(fixture.pass.branches[1]!.finishTime).toBe(
      outcome.kind === 'success' || outcome.kind === 'failure' ? START_TIME : undefined,
    );
    expect(fixture.step.changed.get(1)).toEqual(fixture.pass.branches[1]);
    expect(fixture.step.save).toBe(true);
  });

  it('a failed compensation stays prepared and is retried', () => {
    const fixture = new PassDriver(sagaOf({ steps: 1, status: 'aborting' })).run({ '01 compensate': FAILURE });
    expect(fixture.pass.branches[0]).toMatchObject({ status: 'prepared', lastError: 'refused', attempts: 1 });
  });

  it('an answer is stored before the calls that follow from it', () => {
    const fixture = new PassDriver(sagaOf({ steps: 2 }));
    fixture.advance();
    expect(fixture.step.save).toBe(false);
    expect(fixture.advance({ '01 action': FAILURE })).toEqual(['01 compensate']);
    expect(fixture.step.save).toBe(true);
    expect(fixture.step.pass.transaction.status).toBe('aborting');
  });
});

describe('a saga of 10,000 steps', () => {
  it.each([false, true])('can be decided (concurrent: %s)', (concurrent) => {
    const fixture = new PassDriver(sagaOf({ steps: 10_000, concurrent }));
    expect(fixture.advance()).toHaveLength(concurrent ? 10_000 : 1);
    fixture.advance({ '01 action': FAILURE });
    expect(fixture.transaction.status).toBe('aborting');
  });

  it.each([false, true])('does not block the process when there is nothing to call (concurrent: %s)', (concurrent) => {
    const urls = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [index + 1, { action: '' }]));
    const fixture = new PassDriver(sagaOf({ steps: 10_000, concurrent, urls }));
    // quadratic work with a copy of all branches in each step took over a minute
    fixture.advance();
    expect(fixture.transaction.status).toBe('succeed');
  });

  it('looks at each branch a few times, not once for each answer', () => {
    const { transaction, branches } = sagaOf({ steps: 1000 });
    const machine = MODES.saga.machine(transaction, branches.length, SETTINGS);
    const rows = [...branches];
    let reads = 0;
    const counted = new Proxy(rows, {
      get(target, key) {
        reads += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    const pass = { ...beginPass({ transaction, branches }), branches: counted };
    const answer = (index: number, current: Pass): void => {
      expect(machine.decide(current, START_TIME)).toEqual({ kind: 'call', branches: [index] });
      rows[index] = { ...rows[index]!, status: 'succeed' };
    };
    for (let step = 0; step < 999; step++) answer(2 * step + 1, pass);
    const aborting = { ...pass, transaction: { ...transaction, status: 'aborting' } } as const;
    for (let step = 999; step >= 0; step--) answer(2 * step, aborting);
    expect(machine.decide(aborting, START_TIME)).toMatchObject({ kind: 'change', status: 'failed' });
    expect(reads).toBeLessThan(50_000);
  });
});
