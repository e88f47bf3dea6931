import { DtmArgumentError, DtmFailureError, parseGid, isFinal } from '../../protocol/internal.js';
import { leaseTime } from '../engine/schedule.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Execution } from '../execution/execution.js';
import type { WakeResult } from '../execution/waker.js';
import type { LeaseFilter } from '../store/store.js';
import { findStoredRecord } from './stored-transaction.js';

type ExecutionParts = Pick<Execution, 'circuitBreaker' | 'leases' | 'runner' | 'waker'>;

/** Operations for operators: force stop and retry. */
export class Operator {
  readonly #environment: CoordinatorEnvironment;
  readonly #execution: ExecutionParts;

  constructor(environment: CoordinatorEnvironment, execution: ExecutionParts) {
    this.#environment = environment;
    this.#execution = execution;
  }

  /**
   * Sets an unfinished transaction to `failed` without calling any branch.
   *
   * @throws DtmFailureError when the transaction is final; DtmServerError when the gid is unknown
   */
  async forceStop(gid: string): Promise<void> {
    parseGid(gid);
    const { store, clock } = this.#environment;
    const transaction = await findStoredRecord(store, gid);
    const { status } = transaction;
    if (isFinal(status)) {
      throw new DtmFailureError(`global transaction force stop error. status: ${status}. error:`, { gid });
    }
    const now = clock.now();
    const stopped = {
      ...transaction,
      status: 'failed',
      rollbackTime: now,
      updateTime: now,
      owner: undefined,
      attention: undefined,
      rollbackReason: transaction.rollbackReason ?? 'stopped by force',
    } as const;
    if (!(await store.update({ status }, stopped, new Map()))) await this.forceStop(gid);
  }

  /**
   * Makes a transaction due now, also when another process holds its lease: that process has ended, or its next write fails.
   * Does nothing when the transaction is final or a pass of this process works on it.
   *
   * @throws DtmServerError when the gid is unknown
   */
  async retryNow(gid: string): Promise<void> {
    parseGid(gid);
    await findStoredRecord(this.#environment.store, gid);
    const { runner, waker } = this.#execution;
    if (runner.current(gid)) return;
    await waker.wake({ gid, leases: { endingAfter: this.#environment.clock.now() } }, 1);
  }

  /**
   * Makes waiting transactions due now, see `#longLeases`.
   *
   * @param timeoutSeconds - only those that would wait longer than this
   * @param limit - maximum number of transactions
   */
  retryAllNow(timeoutSeconds: number, limit: number): Promise<WakeResult> {
    const laterThan = this.#environment.clock.now() + timeoutSeconds * 1000;
    return this.#execution.waker.wake({ laterThan, leases: this.#longLeases(laterThan) }, limit);
  }

  /**
   * Makes every transaction due now that waits for an answer of one target, e.g. because the target was repaired, see
   * `#longLeases`.
   *
   * @param target - beginning of its branch URLs, e.g. `http://bank:3000`
   * @param limit - maximum number of transactions
   * @throws DtmArgumentError when the target is empty
   */
  async retryTarget(target: string, limit: number): Promise<WakeResult> {
    if (!target) throw new DtmArgumentError('target must be the beginning of branch URLs, e.g. http://bank:3000');
    const { circuitBreaker, waker } = this.#execution;
    circuitBreaker.reset(target);
    return waker.wake({ target, leases: this.#longLeases() }, limit);
  }

  /**
   * Leases of other processes that are longer than usual: no process would touch their transactions for long if the owners
   * have ended. Leases of the usual length end soon by themselves, and most of their processes are alive.
   */
  #longLeases(laterThan = 0): LeaseFilter {
    const { clock, settings } = this.#environment;
    const endingAfter = Math.max(laterThan, leaseTime({}, settings, clock.now()));
    return { endingAfter, exceptOwner: this.#execution.leases.ownerPrefix };
  }
}
