import type { BranchRecord, Outcome, TransactionRecord } from '../../protocol/index.js';
import { mayFail } from '../engine/may-fail.js';
import { HELD } from '../engine/pass.js';
import { requestTimeout } from '../engine/schedule.js';
import type { Metrics } from '../metrics.js';
import type { Surroundings } from '../surroundings.js';
import type { Alerts } from './alerts.js';
import type { Breaker } from './breaker.js';
import { targetOf } from './target.js';
import type { Turns } from './turns.js';

/** What {@link BranchCalls} uses beside the surroundings. */
export interface CallTools {
  /** Leaves silent targets alone. */
  readonly breaker: Breaker;
  /** Counts. */
  readonly metrics: Metrics;
  /** Tells people. @default nobody is told */
  readonly alerts?: Alerts | undefined;
}

/** Calls branches, one by one: in turn, unless their target is left alone, and reports what came of it. */
export class BranchCalls {
  readonly #surroundings: Surroundings;
  readonly #tools: CallTools;
  #isStopped = false;

  constructor(surroundings: Surroundings, tools: CallTools) {
    this.#surroundings = surroundings;
    this.#tools = tools;
  }

  /** Calls nothing any more, from this very moment; calls under way go on. */
  stop(): void {
    this.#isStopped = true;
    this.#tools.breaker.stop();
  }

  /**
   * Calls a branch; never throws.
   *
   * @param transaction - whose lease lasts until its `nextCronTime`
   * @param branch - what to call
   * @param turns - to be taken before the call
   */
  async call(transaction: TransactionRecord, branch: BranchRecord, turns?: Turns): Promise<Outcome | typeof HELD> {
    const target = targetOf(branch.url);
    if (!turns) return this.#call(target, transaction, branch);
    await turns.take(target);
    try {
      // while it waited others may have taken the transaction over
      const isOver = this.#isStopped || this.#surroundings.clock.now() >= transaction.nextCronTime;
      return isOver ? HELD : await this.#call(target, transaction, branch);
    } finally {
      turns.give(target);
    }
  }

  async #call(target: string, transaction: TransactionRecord, branch: BranchRecord): Promise<Outcome | typeof HELD> {
    const outcome = await this.#tools.breaker.call(target, () => this.#send(transaction, branch));
    if (outcome.kind !== 'held') this.#report(transaction, branch, outcome);
    return outcome;
  }

  #send({ gid, transType, options, protocol }: TransactionRecord, branch: BranchRecord): Promise<Outcome> {
    const { transport, settings } = this.#surroundings;
    return transport
      .call({
        url: branch.url,
        context: { gid, transType, branchId: branch.branchId, op: branch.op },
        payload: branch.payload,
        headers: options.branchHeaders,
        protocol,
        timeoutSeconds: requestTimeout(options, settings),
      })
      .catch((cause: unknown): Outcome => ({ kind: 'unknown', message: String(cause), cause }));
  }

  #report(transaction: TransactionRecord, branch: BranchRecord, outcome: Outcome): void {
    const { gid, transType } = transaction;
    const { branchId, op, url } = branch;
    const mustNotFail = outcome.kind === 'failure' && !mayFail(transType, op);
    const isDecided = outcome.kind === 'success' || (outcome.kind === 'failure' && !mustNotFail);
    this.#tools.metrics.branch(transType, branchId, op, isDecided);
    if (outcome.kind !== 'unknown' && !mustNotFail) return;
    const hint = mustNotFail ? `; ${op} must not fail, it is asked again until it succeeds` : '';
    this.#surroundings.logger.warn(`branch gave no decision${hint}`, {
      gid,
      branchId,
      op,
      url,
      answer: outcome.message,
    });
    // the initiator is no branch (§10.5)
    if (branchId !== '00') this.#tools.alerts?.branchFailed(transaction, branch, outcome.message);
  }
}
