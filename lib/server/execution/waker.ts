import type { WakeFilter } from '../store/store.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';

/** Transactions that are woken at a time, so that nothing else waits for long. */
const BATCH_SIZE = 500;

/** What {@link Waker.wake} did. */
export interface WakeResult {
  /** Transactions that were made due. */
  readonly count: number;
  /** There may be more of them. */
  readonly hasMore: boolean;
}

/** Makes transactions due that wait, before their time has come. */
export class Waker {
  readonly #environment: Pick<CoordinatorEnvironment, 'store' | 'clock'>;
  readonly #onDue: () => void;

  /**
   * Makes a waker.
   *
   * @param environment - store and clock
   * @param onDue - called when transactions may have become due
   */
  constructor(environment: Pick<CoordinatorEnvironment, 'store' | 'clock'>, onDue: () => void) {
    this.#environment = environment;
    this.#onDue = onDue;
  }

  /**
   * Wakes those that wait, without anybody working on them.
   *
   * @param filter - which of them; `laterThan` is now by default
   * @param limit - most transactions
   * @param isWanted - asked before each batch; when it says no, the rest is left. @default always
   * @throws DtmStoreError when the store fails; some may have been woken
   */
  async wake(
    filter: Pick<Partial<WakeFilter>, 'gid' | 'target' | 'laterThan'>,
    limit: number,
    isWanted: () => boolean = () => true,
  ): Promise<WakeResult> {
    const { store, clock } = this.#environment;
    const { laterThan = clock.now() } = filter;
    let count = 0;
    while (count < limit && isWanted()) {
      const batch = Math.min(BATCH_SIZE, limit - count);
      const woken = await store.wake(Math.min(clock.now(), laterThan), { ...filter, laterThan, limit: batch });
      this.#onDue();
      count += woken;
      if (woken < batch) return { count, hasMore: false };
    }
    return { count, hasMore: true };
  }
}
