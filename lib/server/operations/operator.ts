import {
  DtmArgumentError,
  DtmFailureError,
  DtmServerError,
  checkGid,
  isFinal,
  type KvPage,
  type TransactionDetails,
} from '../../protocol/internal.js';
import type { CircuitBreaker } from '../execution/calls/circuit-breaker.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { KvFilter } from '../store/store.js';
import type { Waker, WakeResult } from '../execution/waker.js';

/** What operators do to transactions that do not end by themselves. */
export class Operator {
  readonly #environment: CoordinatorEnvironment;
  readonly #breaker: CircuitBreaker;
  readonly #waker: Waker;

  /**
   * Makes an operator.
   *
   * @param environment - store and clock
   * @param breaker - forgets about targets that are mended
   * @param waker - wakes what waits
   */
  constructor(environment: CoordinatorEnvironment, breaker: CircuitBreaker, waker: Waker) {
    this.#environment = environment;
    this.#breaker = breaker;
    this.#waker = waker;
  }

  /**
   * Sets an unfinished transaction to `failed` without calling anything.
   *
   * @param gid - global id
   * @throws DtmFailureError when it is final already; DtmServerError when it is unknown
   */
  async forceStop(gid: string): Promise<void> {
    checkGid(gid);
    const { transaction } = await this.#find(gid);
    const { status } = transaction;
    if (isFinal(status)) {
      throw new DtmFailureError(`global transaction force stop error. status: ${status}. error:`, { gid });
    }
    const now = this.#environment.clock.now();
    const rollbackReason = transaction.rollbackReason ?? 'stopped by force';
    const stopped = {
      ...transaction,
      status: 'failed',
      rollbackTime: now,
      updateTime: now,
      owner: undefined,
      attention: undefined,
      rollbackReason,
    } as const;
    if (!(await this.#environment.store.update({ status }, stopped, new Map()))) await this.forceStop(gid);
  }

  /**
   * Has a transaction tried again now instead of when its interval is over; nothing when it is final or being tried.
   *
   * @param gid - global id
   * @throws DtmServerError when it is unknown
   */
  async retryNow(gid: string): Promise<void> {
    checkGid(gid);
    await this.#find(gid);
    await this.#waker.wake({ gid }, 1);
  }

  /**
   * Has many transactions tried again now.
   *
   * @param timeoutSeconds - only those that would wait longer than this
   * @param limit - most transactions
   * @returns how many there were, and whether there may be more
   */
  retryAllNow(timeoutSeconds: number, limit: number): Promise<WakeResult> {
    return this.#waker.wake({ laterThan: this.#environment.clock.now() + timeoutSeconds * 1000 }, limit);
  }

  /**
   * Has everything tried again now that waits for an answer of one target, e.g. because it was mended.
   *
   * @param target - beginning of its branch URLs, e.g. `http://bank:3000`
   * @param limit - most transactions
   * @returns how many there were, and whether there may be more
   * @throws DtmArgumentError when the target is empty
   */
  async retryTarget(target: string, limit: number): Promise<WakeResult> {
    if (!target) throw new DtmArgumentError('target must be the beginning of branch URLs, e.g. http://bank:3000');
    this.#breaker.reset(target);
    return this.#waker.wake({ target }, limit);
  }

  /** Pages through what is kept beside transactions. */
  listKv(filter: KvFilter): Promise<KvPage> {
    return this.#environment.store.listKv(filter);
  }

  async #find(gid: string): Promise<TransactionDetails> {
    const details = await this.#environment.store.find(gid);
    if (!details) throw new DtmServerError(`no TransGlobal with gid: ${gid} found`, { gid });
    return details;
  }
}
