import { DtmArgumentError, DtmFailureError, parseGid, isFinal } from '../../protocol/internal.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Execution } from '../execution/execution.js';
import type { WakeResult } from '../execution/waker.js';
import { findStored } from './stored-transaction.js';

/** Operations for operators: force stop and retry. */
export class Operator {
  readonly #environment: CoordinatorEnvironment;
  readonly #execution: Pick<Execution, 'circuitBreaker' | 'waker'>;

  constructor(environment: CoordinatorEnvironment, execution: Pick<Execution, 'circuitBreaker' | 'waker'>) {
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
    const { transaction } = await findStored(store, gid);
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
   * Makes a waiting transaction due now. Does nothing when the transaction is final or a pass works on it.
   *
   * @throws DtmServerError when the gid is unknown
   */
  async retryNow(gid: string): Promise<void> {
    parseGid(gid);
    await findStored(this.#environment.store, gid);
    await this.#execution.waker.wake({ gid }, 1);
  }

  /**
   * Makes waiting transactions due now.
   *
   * @param timeoutSeconds - only those that would wait longer than this
   * @param limit - maximum number of transactions
   */
  retryAllNow(timeoutSeconds: number, limit: number): Promise<WakeResult> {
    const { clock } = this.#environment;
    return this.#execution.waker.wake({ laterThan: clock.now() + timeoutSeconds * 1000 }, limit);
  }

  /**
   * Makes every transaction due now that waits for an answer of one target, e.g. because the target was repaired.
   *
   * @param target - beginning of its branch URLs, e.g. `http://bank:3000`
   * @param limit - maximum number of transactions
   * @throws DtmArgumentError when the target is empty
   */
  async retryTarget(target: string, limit: number): Promise<WakeResult> {
    if (!target) throw new DtmArgumentError('target must be the beginning of branch URLs, e.g. http://bank:3000');
    const { circuitBreaker, waker } = this.#execution;
    circuitBreaker.reset(target);
    return waker.wake({ target }, limit);
  }
}
