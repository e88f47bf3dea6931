import type { BranchRecord, Outcome, TransactionRecord, UnsuccessfulOutcome } from '../../../protocol/internal.js';
import { isOverHttp } from '../../../transport/index.js';
import { mayFail } from '../../engine/may-fail.js';
import type { Deferred } from '../../engine/pass.js';
import { requestTimeout } from '../../engine/schedule.js';
import type { Metrics } from '../../environment/metrics.js';
import type { CoordinatorEnvironment } from '../../environment/coordinator-environment.js';
import type { AlertWebhook } from './alert-webhook.js';
import type { CircuitBreaker, Caller } from './circuit-breaker.js';
import { targetOf } from './target.js';
import type { PassSlots } from './retry-queue.js';

/** What {@link BranchCalls} uses beside the environment. */
export interface CallServices {
  /** Leaves silent targets alone. */
  readonly circuitBreaker: CircuitBreaker;
  /** Counts. */
  readonly metrics: Metrics;
  /** Tells people. @default nobody is told */
  readonly alertWebhook?: AlertWebhook | undefined;
}

/** How a pass waits for its turn. */
export interface QueuedPass {
  /** Its turns. */
  readonly slots: PassSlots;
  /** Its transaction as it is stored by now. */
  stored(): TransactionRecord;
  /** The pass has ended, with an error of the store: nobody would learn what a call came to. */
  isOver(): boolean;
}

/** Calls branches, one by one: in turn, unless their target is left alone, and reports what came of it. */
export class BranchCalls {
  readonly #environment: CoordinatorEnvironment;
  readonly #services: CallServices;
  #isStopped = false;

  constructor(environment: CoordinatorEnvironment, tools: CallServices) {
    this.#environment = environment;
    this.#services = tools;
  }

  /** Calls nothing any more that waits; calls under way go on. */
  stop(): void {
    this.#isStopped = true;
    this.#services.circuitBreaker.stop();
  }

  /**
   * To be told when a pass has been stored.
   *
   * @param gid - its transaction
   * @param isOnlyDeferred - all that it waits for was held back
   */
  passEnded(gid: string, isOnlyDeferred: boolean): void {
    this.#services.circuitBreaker.passEnded(gid, isOnlyDeferred);
  }

  /**
   * Calls a branch; never throws.
   *
   * @param transaction - as it is stored
   * @param branch - what to call
   * @param inTurn - of a pass that waits for its turn. @default it does not
   */
  async call(transaction: TransactionRecord, branch: BranchRecord, inTurn?: QueuedPass): Promise<Outcome | Deferred> {
    const target = targetOf(branch.url, isOverHttp(branch.url, this.#environment.transport));
    const caller = { gid: transaction.gid, isNew: !inTurn };
    if (!inTurn) return this.#call(target, caller, transaction, branch);
    const held = this.#services.circuitBreaker.deferIfOpen(target, caller);
    if (held) return held;
    const { slots: turns, stored, isOver } = inTurn;
    const { clock } = this.#environment;
    const turn = await turns.acquire(target);
    if (!turn) return { kind: 'deferred', until: turns.nextAttemptTime(target) };
    let outcome: Outcome | Deferred | undefined;
    try {
      if (this.#isStopped || isOver()) return { kind: 'deferred', until: clock.now() };
      // while it waited others may have taken the transaction over, or it may have been decided to roll it back
      const { nextCronTime, status } = stored();
      if (clock.now() >= nextCronTime || status !== transaction.status) {
        return { kind: 'deferred', until: turns.nextAttemptTime(target) };
      }
      outcome = await this.#call(target, caller, transaction, branch);
      return outcome;
    } finally {
      turn.release(outcome !== undefined && outcome.kind !== 'deferred');
    }
  }

  async #call(
    target: string,
    caller: Caller,
    transaction: TransactionRecord,
    branch: BranchRecord,
  ): Promise<Outcome | Deferred> {
    const { circuitBreaker: breaker } = this.#services;
    const outcome = await breaker.call(target, caller, () => this.#send(transaction, branch));
    if (outcome.kind === 'unknown' || (outcome.kind === 'failure' && !mayFail(transaction.transType, branch.op))) {
      this.#report(transaction, branch, outcome, breaker.isOpen(target));
    }
    return outcome;
  }

  async #send(transaction: TransactionRecord, branch: BranchRecord): Promise<Outcome> {
    const { transport, settings } = this.#environment;
    const { gid, transType, options, protocol } = transaction;
    const { branchId, op } = branch;
    const outcome = await transport
      .call({
        url: branch.url,
        context: { gid, transType, branchId, op },
        payload: branch.payload,
        headers: options.branchHeaders,
        protocol,
        timeoutSeconds: requestTimeout(options, settings),
      })
      .catch((cause: unknown): Outcome => ({ kind: 'unknown', message: String(cause), cause }));
    const isDecided = outcome.kind === 'success' || (outcome.kind === 'failure' && mayFail(transType, op));
    this.#services.metrics.countBranchCall(transType, branchId, op, isDecided);
    return outcome;
  }

  #report(
    transaction: TransactionRecord,
    branch: BranchRecord,
    { kind, message: answer }: UnsuccessfulOutcome,
    isLast: boolean,
  ): void {
    const { branchId, op, url } = branch;
    const hint = kind === 'failure' ? `; ${op} must not fail, it is asked again until it succeeds` : '';
    const fields = { gid: transaction.gid, branchId, op, url, answer };
    this.#environment.logger.warn(`branch gave no decision${hint}`, fields);
    // the initiator is no branch
    if (branchId !== '00') this.#services.alertWebhook?.branchFailed(transaction, branch, answer, isLast);
  }
}
