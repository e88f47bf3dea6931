import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { WakeFilter } from '../store/store.js';

/** Transactions that are woken in one write, so that other writes do not wait for long. */
const BATCH_SIZE = 500;

/** Result of {@link Waker.wake}. */
export interface WakeResult {
  /** Transactions that were made due. */
  readonly count: number;
  /** More transactions may match. */
  readonly hasMore: boolean;
}

/** Makes waiting transactions due before their time. */
export class Waker {
  readonly #environment: Pick<CoordinatorEnvironment, 'store' | 'clock'>;
  readonly #onDue: () => void;

  /**
   * @param environment - store and clock
   * @param onDue - called when transactions may have become due
   */
  constructor(environment: Pick<CoordinatorEnvironment, 'store' | 'clock'>, onDue: () => void) {
    this.#environment = environment;
    this.#onDue = onDue;
  }

  /**
   * Makes transactions due that wait, each at most once.
   *
   * @param filter - which transactions; `laterThan` is now by default
   * @param limit - maximum number of transactions
   * @param shouldContinue - asked before each batch; false leaves the rest waiting. @default always true
   * @throws DtmStoreError when the store fails; some transactions may be due already
   */
  async wake(
    filter: Pick<Partial<WakeFilter>, 'gid' | 'target' | 'laterThan' | 'leases'>,
    limit: number,
    shouldContinue: () => boolean = () => true,
  ): Promise<WakeResult> {
    const { store, clock } = this.#environment;
    const { laterThan = clock.now() } = filter;
    let count = 0;
    let position = '';
    while (count < limit && shouldContinue()) {
      const batch = { laterThan, position, limit: Math.min(BATCH_SIZE, limit - count) };
      const woken = await store.wake(clock.now(), { ...filter, ...batch });
      // also when all of them were due already: the next poll may be far away
      this.#onDue();
      count += woken.count;
      position = woken.nextPosition;
      if (position === '') return { count, hasMore: false };
    }
    return { count, hasMore: true };
  }
}
