import type { TransactionDetails, TransactionRecord } from '../../protocol/internal.js';
import { leaseTime, requestTimeout } from '../engine/schedule.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Leases } from '../execution/leases.js';
import type { PassOptions, Runner } from '../execution/runner.js';

/** What an initiator's request shows about calls before its pass. */
type KnownCalls = Pick<PassOptions, 'isFirst' | 'notExecuted'>;

/** Starts passes on behalf of initiators, so that a new transaction does not wait for recovery. */
export class PassStarter {
  readonly #environment: CoordinatorEnvironment;
  readonly #leases: Leases;
  readonly #runner: Runner;

  constructor(environment: CoordinatorEnvironment, leases: Leases, runner: Runner) {
    this.#environment = environment;
    this.#leases = leases;
    this.#runner = runner;
  }

  /** Takes the lease, so that recovery does not claim the transaction while its first pass runs. */
  withLease(transaction: TransactionRecord, now: number): TransactionRecord {
    const { settings } = this.#environment;
    return {
      ...transaction,
      owner: this.#leases.nextOwner(),
      nextCronTime: leaseTime(transaction.options, settings, now),
    };
  }

  /**
   * Runs a pass. A failure is logged, because the initiator may not wait for it.
   *
   * @param details - as stored, with the lease
   * @param waits - the initiator waits for the result: the pass also makes the attempts that are due within a request time-out
   * @param known - what is known about calls before the pass
   * @returns see {@link Runner.run}
   */
  start(details: TransactionDetails, waits = false, known: KnownCalls = {}): Promise<TransactionDetails | undefined> {
    const { gid, options } = details.transaction;
    const { clock, settings } = this.#environment;
    const retryUntil = waits ? clock.now() + requestTimeout(options, settings) * 1000 : undefined;
    const pass = this.#runner.run(details, { ...known, retryUntil });
    pass.catch((error: unknown) =>
      this.#environment.logger.error('transaction could not be processed', { gid, error: String(error) }),
    );
    return pass;
  }

  /**
   * Runs a pass over what was read after the lease was taken: since then a branch may have been registered, an operator may
   * have stopped the transaction by force, or another pass of this process may have finished and given the lease back.
   *
   * @param details - as stored now
   * @param leased - as stored with the lease
   * @param waits - see {@link start}
   * @param known - see {@link start}
   */
  startIfOwned(
    details: TransactionDetails,
    leased: TransactionRecord,
    waits?: boolean,
    known?: KnownCalls,
  ): Promise<TransactionDetails | undefined> {
    const { owner, status } = details.transaction;
    return owner === leased.owner && status === leased.status
      ? this.start(details, waits, known)
      : Promise.resolve(details);
  }
}
