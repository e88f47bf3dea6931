import { errorText } from '../../protocol/internal.js';
import type { CoordinatorEnvironment } from './coordinator-environment.js';
import type { Metrics } from './metrics.js';

/** Milliseconds for which a result counts, so that many probes cost one write a second. */
const VALID_MS = 1000;

/** Milliseconds that a probe waits for the store. Orchestrators wait for a second by default. */
const MAX_WAIT_MS = 800;

/** Whether the store can write, for probes of the APIs. Logs each change; callers never see the reason. */
export class StoreHealth {
  readonly #environment: Pick<CoordinatorEnvironment, 'store' | 'clock' | 'logger'>;
  readonly #metrics: Metrics;
  readonly #listeners = new Set<(isWritable: boolean) => void>();
  #isWritable = true;
  #validUntil = -Infinity;
  #check: Promise<void> | undefined;

  constructor(environment: Pick<CoordinatorEnvironment, 'store' | 'clock' | 'logger'>, metrics: Metrics) {
    this.#environment = environment;
    this.#metrics = metrics;
  }

  /** Whether a write to the store succeeds, now or within the last second. */
  async isWritable(): Promise<boolean> {
    const { clock } = this.#environment;
    if (clock.now() < this.#validUntil) return this.#isWritable;
    this.#check ??= this.#write().finally(() => (this.#check = undefined));
    await this.#waitFor(this.#check);
    return this.#isWritable;
  }

  /** Takes note that polling the store has failed or succeeded; a change is found without a probe then. */
  async afterPoll(hasFailed: boolean): Promise<void> {
    if (hasFailed || !this.#isWritable) await this.isWritable();
  }

  /**
   * Calls back at each change.
   *
   * @returns a function that ends this
   */
  onChange(listener: (isWritable: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #waitFor(check: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#environment.clock.after(MAX_WAIT_MS, () => {
        this.#report(`it has not answered for ${MAX_WAIT_MS} ms`);
        resolve();
      });
      void check.then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #write(): Promise<void> {
    const { store, clock } = this.#environment;
    let problem: string | undefined;
    try {
      await store.assertWritable?.();
    } catch (error) {
      problem = errorText(error);
    }
    this.#validUntil = clock.now() + VALID_MS;
    this.#report(problem);
  }

  #report(problem: string | undefined): void {
    const isWritable = problem === undefined;
    if (isWritable === this.#isWritable) return;
    this.#isWritable = isWritable;
    this.#metrics.setStoreWritable(isWritable);
    const { store, logger } = this.#environment;
    if (isWritable) logger.info('the store can write again', { store: store.name });
    else logger.error('the store cannot write', { store: store.name, error: problem });
    for (const listener of this.#listeners) listener(isWritable);
  }
}
