import {
  decodeSagaPlan,
  predecessors,
  stepBranchId,
  type BranchRecord,
  type Payload,
  type SagaPlan,
  type StepUrls,
  type TransactionRecord,
} from '../../protocol/index.js';
import { WAIT, isCallable, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';

/** Rows of step i are stored side by side, in this order (`dtm-protocol.md` §5.3). */
const compensationOf = (step: number): number => 2 * step;
const actionOf = (step: number): number => 2 * step + 1;

/**
 * The rows of a saga.
 *
 * @param steps - its steps
 * @param payloads - one for each step
 */
export function sagaBranches(steps: readonly StepUrls[], payloads: readonly Payload[]): BranchRecord[] {
  return steps.flatMap(({ action, compensate = '' }, index): BranchRecord[] => {
    const row = { branchId: stepBranchId(index + 1), payload: payloads[index] ?? '', status: 'prepared' } as const;
    return [
      { ...row, op: 'compensate', url: compensate },
      { ...row, op: 'action', url: action },
    ];
  });
}

/**
 * The state machine of a saga (`dtm-protocol.md` §5.4).
 *
 * @param transaction - the saga
 * @param branchCount - number of its rows
 */
export function sagaMachine(transaction: TransactionRecord, branchCount: number): Machine {
  return new SagaMachine(decodeSagaPlan(transaction.customData, branchCount / 2), branchCount / 2);
}

class SagaMachine implements Machine {
  readonly #before: readonly (readonly number[])[];
  readonly #after: readonly (readonly number[])[];

  constructor(plan: SagaPlan, stepCount: number) {
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
        // nothing was called yet, so there is nothing to compensate
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
    const failed = pass.branches.find((branch) => branch.op === 'action' && branch.status === 'failed');
    if (failed) return abort(`url:${failed.url} return failed: ${failed.lastError ?? ''}`);
    if (this.#before.every((_, step) => isDone(pass, actionOf(step)))) return { kind: 'change', status: 'succeed' };
    if (this.#isTimedOut(pass, now)) return abort(timeoutReason(pass));
    if (options.retryLimit && retryCount > options.retryLimit) {
      return abort(`RetryCount is greater than RetryLimit, RetryLimit: ${options.retryLimit}`);
    }
    const startable = this.#steps((step) => this.#isStartable(pass, step) && isCallable(pass, actionOf(step)));
    return { kind: 'call', branches: startable.map(actionOf) };
  }

  #backward(pass: Pass): Decision {
    const isRolledBack = (step: number): boolean => isDone(pass, compensationOf(step)) || !this.#mayHaveRun(pass, step);
    const open = this.#steps((step) => !isRolledBack(step));
    if (open.length === 0) return { kind: 'change', status: 'failed' };
    const startable = open.filter(
      (step) =>
        // an action that is still under way must not be overtaken by its compensation
        !pass.running.has(actionOf(step)) &&
        isCallable(pass, compensationOf(step)) &&
        this.#after[step]!.every(isRolledBack),
    );
    return { kind: 'call', branches: startable.toReversed().map(compensationOf) };
  }

  /**
   * Whether a step's action was called, as far as anyone can know: it was decided, or it could have been started. The
   * step that failed and the one that was never reached by its call count, too; barriers make their compensation empty.
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

  #steps(wanted: (step: number) => boolean): number[] {
    const steps: number[] = [];
    for (let step = 0; step < this.#before.length; step++) if (wanted(step)) steps.push(step);
    return steps;
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
