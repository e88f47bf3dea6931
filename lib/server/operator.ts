import {
  DtmFailureError,
  DtmServerError,
  checkGid,
  isFinal,
  type KvPage,
  type TransactionDetails,
} from '../protocol/index.js';
import type { Surroundings } from './runner.js';
import type { KvFilter } from './store/store.js';

/** What people do to transactions that do not end by themselves (`dtm-protocol.md` §1.3). */
export class Operator {
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
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
  }

  /**
   * Has many transactions tried again now.
   *
   * @param timeoutSeconds - only those that would wait longer than this
   * @param limit - most transactions
   * @returns how many there were, and whether there may be more
   */
  async retryAllNow(timeoutSeconds: number, limit: number): Promise<{ count: number; isMore: boolean }> {
    const { store, clock } = this.#surroundings;
    const now = clock.now();
    const count = await store.wake(now, { laterThan: now + timeoutSeconds * 1000, limit });
    return { count, isMore: count === limit };
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
