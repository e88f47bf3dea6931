import {
  DtmArgumentError,
  DtmFailureError,
  DtmServerError,
  checkGid,
  isFinal,
  type KvPage,
  type TransactionDetails,
} from '../protocol/index.js';
import type { Breaker } from './calls/breaker.js';
import type { Surroundings } from './surroundings.js';
import type { KvFilter, WakeFilter } from './store/store.js';

/** Transactions that are woken at a time, so that nothing else waits for long. */
const WAKE_BATCH = 500;

/** What people do to transactions that do not end by themselves (`dtm-protocol.md` §1.3). */
export class Operator {
  readonly #surroundings: Surroundings;
  readonly #breaker: Breaker;
  readonly #onDue: () => void;

  /**
   * Makes an operator.
   *
   * @param surroundings - store and clock
   * @param breaker - forgets about targets that are mended
   * @param onDue - called when transactions have become due
   */
  constructor(surroundings: Surroundings, breaker: Breaker, onDue: () => void) {
    this.#surroundings = surroundings;
    this.#breaker = breaker;
    this.#onDue = onDue;
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
    const now = this.#surroundings.clock.now();
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
    if (!(await this.#surroundings.store.update({ status }, stopped, new Map()))) await this.forceStop(gid);
  }

  /**
   * Has a transaction tried again now instead of when its interval is over; nothing when it is final or being tried.
   *
   * @param gid - global id
   * @throws DtmServerError when it is unknown
   */
  async retryNow(gid: string): Promise<void> {
    checkGid(gid);
    const { store, clock } = this.#surroundings;
    await this.#find(gid);
    const now = clock.now();
    await store.wake(now, { gid, laterThan: now, limit: 1 });
    this.#onDue();
  }

  /**
   * Has many transactions tried again now.
   *
   * @param timeoutSeconds - only those that would wait longer than this
   * @param limit - most transactions
   * @returns how many there were, and whether there may be more
   */
  async retryAllNow(timeoutSeconds: number, limit: number): Promise<{ count: number; isMore: boolean }> {
    const { clock } = this.#surroundings;
    return this.#wake({ laterThan: clock.now() + timeoutSeconds * 1000, limit });
  }

  /**
   * Has everything tried again now that waits for an answer of one target, e.g. because it was mended.
   *
   * @param target - beginning of its branch URLs, e.g. `http://bank:3000`
   * @param limit - most transactions
   * @returns how many there were, and whether there may be more
   * @throws DtmArgumentError when the target is empty
   */
  async retryTarget(target: string, limit: number): Promise<{ count: number; isMore: boolean }> {
    if (!target) throw new DtmArgumentError('target must be the beginning of branch URLs, e.g. http://bank:3000');
    this.#breaker.reset(target);
    return this.#wake({ target, laterThan: this.#surroundings.clock.now(), limit });
  }

  async #wake(filter: WakeFilter): Promise<{ count: number; isMore: boolean }> {
    const { store, clock } = this.#surroundings;
    let count = 0;
    let isMore = true;
    while (isMore && count < filter.limit) {
      const limit = Math.min(WAKE_BATCH, filter.limit - count);
      const woken = await store.wake(clock.now(), { ...filter, limit });
      if (woken > 0) this.#onDue();
      count += woken;
      isMore = woken === limit;
    }
    return { count, isMore };
  }

  /** Pages through what is kept beside transactions. */
  listKv(filter: KvFilter): Promise<KvPage> {
    return this.#surroundings.store.listKv(filter);
  }

  async #find(gid: string): Promise<TransactionDetails> {
    const details = await this.#surroundings.store.find(gid);
    if (!details) throw new DtmServerError(`no TransGlobal with gid: ${gid} found`, { gid });
    return details;
  }
}
