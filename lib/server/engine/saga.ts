import {
  decodeSagaPlan,
  predecessors,
  stepBranchId,
  type BranchRecord,
  type SagaPlan,
  type TransactionRecord,
} from '../../protocol/internal.js';
import { assertBranchUrls } from './assert-branch-urls.js';
import type { Mode } from './mode.js';
import { WAIT, isCallable, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';
import { assertSteps, payloadOf } from './assert-steps.js';

/** Indices of the two rows of a step, which are stored side by side. */
const compensationOf = (step: number): number => 2 * step;
const actionOf = (step: number): number => 2 * step + 1;

/** Saga: docs/protocol.md#saga. */
export const saga: Mode = {
  branches(request, _subscribers, settings) {
    assertSteps(request, settings);
    const { steps = [], customData, protocol } = request;
    decodeSagaPlan(customData, steps.length);
    return steps.flatMap(({ action, compensate = '' }, index): BranchRecord[] => {
      assertBranchUrls({ action, compensate }, protocol);
      const branchId = stepBranchId(index + 1);
      const payload = payloadOf(request, index);
      return [
        { branchId, op: 'compensate', url: compensate, payload, status: 'prepared' },
        { branchId, op: 'action', url: action, payload, status: 'prepared' },
      ];
    });
  },
  machine: ({ customData }, branchCount) =>
    new SagaMachine(decodeSagaPlan(customData, branchCount / 2), branchCount / 2),
};

class SagaMachine implements Machine {
  readonly #before: readonly (readonly number[])[];
  readonly #after: readonly (readonly number[])[];
  readonly #isConcurrent: boolean;
  /** Steps before this one have succeeded, which does not change: thousands of steps are not looked at again for each answer. */
  #firstOpen = 0;
  /** Steps after this one are rolled back, and stay so. */
  #lastOpen: number;

  constructor(plan: SagaPlan, stepCount: number) {
    this.#isConcurrent = plan.concurrent;
    this.#lastOpen = stepCount - 1;
    this.#before = Array.from({ length: stepCount }, (_, step) => predecessors(plan, step));
    const after = Array.from({ length: stepCount }, (): number[] => []);
    for (const [step, before] of this.#before.entries()) for (const index of before) after[index]?.push(step);
    this.#after = after;
  }

  deadline(transaction: TransactionRecord): number | undefined {
    return transaction.status === 'aborting'
      ? undefined
      : timeoutTime(transaction, transaction.options.timeoutToFailSeconds);
  }

  decide(pass: Pass, now: number): Decision {
    switch (pass.transaction.status) {
      case 'prepared':
        // no action was called, so there is nothing to compensate
        return this.#isTimedOut(pass, now) ? { kind: 'change', status: 'failed', reason: timeoutReason(pass) } : WAIT;
      case 'submitted':
        return this.#forward(pass, now);
      case 'aborting':
        return this.#backward(pass);
      default:
        return WAIT;
    }
  }

  #forward(pass: Pass, now: number): Decision {
    const { options, retryCount = 0 } = pass.transaction;
    const startable: number[] = [];
    let isAllDone = true;
    for (let step = this.#firstOpen; step < this.#before.length; step++) {
      const action = pass.branches[actionOf(step)]!;
      if (action.status === 'failed') return abort(`url:${action.url} return failed: ${action.lastError ?? ''}`);
      if (action.status === 'succeed') {
        if (step === this.#firstOpen) this.#firstOpen += 1;
        continue;
      }
      isAllDone = false;
      if (this.#isStartable(pass, step) && isCallable(pass, actionOf(step))) startable.push(actionOf(step));
      // without concurrency, no later step can have been called
      if (!this.#isConcurrent) break;
    }
    if (isAllDone) return { kind: 'change', status: 'succeed' };
    if (this.#isTimedOut(pass, now)) return abort(timeoutReason(pass));
    if (options.retryLimit && retryCount > options.retryLimit) {
      return abort(`RetryCount is greater than RetryLimit, RetryLimit: ${options.retryLimit}`);
    }
    return { kind: 'call', branches: startable };
  }

  #backward(pass: Pass): Decision {
    const isRolledBack = (step: number): boolean => isDone(pass, compensationOf(step)) || !this.#mayHaveRun(pass, step);
    const startable: number[] = [];
    let isAllDone = true;
    // an action that is running may still succeed, and make the next step one that may have run
    const isSettled = ![...pass.running].some((index) => index === actionOf(index >> 1));
    for (let step = this.#lastOpen; step >= 0; step--) {
      if (isRolledBack(step)) {
        if (isSettled && step === this.#lastOpen) this.#lastOpen -= 1;
        continue;
      }
      isAllDone = false;
      // a compensation must not overtake the running call of its action
      const isFree = !pass.running.has(actionOf(step)) && isCallable(pass, compensationOf(step));
      if (isFree && this.#after[step]!.every(isRolledBack)) startable.push(compensationOf(step));
      // without concurrency, each step waits for the one after it
      if (!this.#isConcurrent) break;
    }
    return isAllDone ? { kind: 'change', status: 'failed' } : { kind: 'call', branches: startable };
  }

  /**
   * Whether the action of a step may have run: it is decided, or it was startable. This includes failed actions and
   * actions whose call never arrived: a barrier skips the compensation of an action that did not run.
   */
  #mayHaveRun(pass: Pass, step: number): boolean {
    return pass.branches[actionOf(step)]?.status !== 'prepared' || this.#isStartable(pass, step);
  }

  #isStartable(pass: Pass, step: number): boolean {
    return this.#before[step]!.every((before) => isDone(pass, actionOf(before)));
  }

  #isTimedOut(pass: Pass, now: number): boolean {
    const time = timeoutTime(pass.transaction, pass.transaction.options.timeoutToFailSeconds);
    return time !== undefined && now >= time;
  }
}

function isDone(pass: Pass, index: number): boolean {
  return pass.branches[index]?.status === 'succeed';
}

function abort(reason: string): Decision {
  return { kind: 'change', status: 'aborting', reason };
}

function timeoutReason(pass: Pass): string {
  return `Timeout after ${pass.transaction.options.timeoutToFailSeconds} seconds`;
}
