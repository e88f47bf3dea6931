import type { BranchRecord, Outcome, TransactionRecord, UnsuccessfulOutcome } from '../../../protocol/internal.js';
import { PathKinds } from '../../../support/path-kinds.js';
import { isOverHttp } from '../../../transport/index.js';
import { isFailureDecisive } from '../../engine/is-failure-decisive.js';
import type { Deferred } from '../../engine/pass.js';
import { requestTimeout } from '../../engine/schedule.js';
import type { CoordinatorEnvironment } from '../../environment/coordinator-environment.js';
import type { LineLimit } from '../../environment/line-limit.js';
import type { Metrics } from '../../environment/metrics.js';
import type { AlertWebhook } from './alert-webhook.js';
import type { Caller, CircuitBreaker } from './circuit-breaker.js';
import type { PassSlots } from './retry-queue.js';
import { targetOf, type Target } from './target.js';

/** Dependencies of {@link BranchCalls} besides the environment. */
export interface CallServices {
  readonly circuitBreaker: CircuitBreaker;
  readonly metrics: Metrics;
  readonly lineLimit: LineLimit;
  /** @default no alerts */
  readonly alertWebhook?: AlertWebhook | undefined;
}

/** A pass of recovery, whose calls wait in the retry queue. */
export interface QueuedPass {
  readonly slots: PassSlots;
  /** Its transaction as stored now. */
  stored(): TransactionRecord;
  /** The pass has ended with an error of the store, so that nothing would store the outcome of a call. */
  isOver(): boolean;
}

/** Calls branches, subject to the retry queue and the circuit breaker, and reports undecided branches. */
export class BranchCalls {
  readonly #environment: CoordinatorEnvironment;
  readonly #services: CallServices;
  readonly #pathKinds = new PathKinds();
  #isStopped = false;

  constructor(environment: CoordinatorEnvironment, services: CallServices) {
    this.#environment = environment;
    this.#services = services;
  }

  /** Defers waiting calls; running calls go on. */
  stop(): void {
    this.#isStopped = true;
    this.#services.circuitBreaker.stop();
  }

  /** See {@link CircuitBreaker.passEnded}. */
  passEnded(gid: string, isOnlyDeferred: boolean): void {
    this.#services.circuitBreaker.passEnded(gid, isOnlyDeferred);
  }

  /**
   * Calls a branch; never throws.
   *
   * @param transaction - as stored
   * @param branch - the branch to call
   * @param queuedPass - pass of recovery. @default a pass of an initiator, which does not wait in the retry queue
   */
  async call(
    transaction: TransactionRecord,
    branch: BranchRecord,
    queuedPass?: QueuedPass,
  ): Promise<Outcome | Deferred> {
    const target = targetOf(branch.url, isOverHttp(branch.url, this.#environment.transport), (path, origin) =>
      this.#pathKinds.of(path, origin),
    );
    const caller = { gid: transaction.gid, isNew: !queuedPass };
    if (!queuedPass) return this.#call(target, caller, transaction, branch);
    const deferred = this.#services.circuitBreaker.deferIfOpen(target, caller);
    if (deferred) return deferred;
    const { slots, stored, isOver } = queuedPass;
    const { clock } = this.#environment;
    const slot = await slots.acquire(target);
    if (!slot) return { kind: 'deferred', until: slots.nextAttemptTime(target) };
    let outcome: Outcome | Deferred | undefined;
    try {
      if (this.#isStopped || isOver()) return { kind: 'deferred', until: clock.now() };
      // while the call waited, its lease may have expired, or the transaction may have changed to rollback
      const { nextCronTime, status } = stored();
      if (clock.now() >= nextCronTime || status !== transaction.status) {
        return { kind: 'deferred', until: slots.nextAttemptTime(target) };
      }
      outcome = await this.#call(target, caller, transaction, branch);
      return outcome;
    } finally {
      slot.release(outcome !== undefined && outcome.kind !== 'deferred');
    }
  }

  async #call(
    target: Target,
    caller: Caller,
    transaction: TransactionRecord,
    branch: BranchRecord,
  ): Promise<Outcome | Deferred> {
    const { circuitBreaker } = this.#services;
    const outcome = await circuitBreaker.call(target, caller, () => this.#send(transaction, branch, !caller.isNew));
    if (
      outcome.kind === 'unknown' ||
      (outcome.kind === 'failure' && !isFailureDecisive(transaction.transType, branch.op))
    ) {
      this.#reportUndecided(transaction, branch, outcome, target);
    }
    return outcome;
  }

  async #send(transaction: TransactionRecord, branch: BranchRecord, isRecovery: boolean): Promise<Outcome> {
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
        timeoutSeconds: requestTimeout(options, settings, branch.url),
        isRecovery,
      })
      .catch((cause: unknown): Outcome => ({ kind: 'unknown', message: String(cause), cause }));
    const isDecided = outcome.kind === 'success' || (outcome.kind === 'failure' && isFailureDecisive(transType, op));
    this.#services.metrics.countBranchCall(transType, branchId, op, isDecided);
    return outcome;
  }

  #reportUndecided(
    transaction: TransactionRecord,
    branch: BranchRecord,
    { kind, message: answer, notExecuted }: UnsuccessfulOutcome,
    target: Target,
  ): void {
    const { circuitBreaker, alertWebhook, lineLimit } = this.#services;
    const { branchId, op, url } = branch;
    const isRetried = kind === 'failure' && notExecuted !== true;
    const hint = isRetried ? `; ${op} must not fail and is retried until it succeeds` : '';
    const fields = { gid: transaction.gid, branchId, op, url, answer };
    lineLimit.write('warn', `branch gave no decision${hint}`, fields, { target: target.kind });
    // 00 is the initiator, which is not a branch
    if (branchId !== '00') alertWebhook?.branchFailed(transaction, branch, answer, circuitBreaker.isOpen(target));
  }
}
