import type { TransactionDetails } from '../protocol/index.js';
import { leaseTime } from './engine/schedule.js';
import type { Runner, Surroundings } from './runner.js';

/** Looks for due transactions and runs them: retries, timeouts, and what another process left behind. */
export class Recovery {
  readonly #surroundings: Surroundings;
  readonly #runner: Runner;
  readonly #passes = new Set<Promise<void>>();
  #loop: Promise<void> | undefined;
  #isRunning = false;
  #wake: () => void = () => undefined;

  constructor(surroundings: Surroundings, runner: Runner) {
    this.#surroundings = surroundings;
    this.#runner = runner;
  }

  /** Looks at once, then again and again. Idempotent. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop = this.#run();
  }

  /** Looks no more; waits for the look under way, not for the passes it started. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { pollIntervalSeconds, maxParallelRecovery } = this.#surroundings.settings;
    while (this.#isRunning) {
      const isMore = await this.#look(maxParallelRecovery - this.#passes.size);
      if (!isMore && this.#isRunning) await this.#pause(pollIntervalSeconds * 1000);
      // a quarter at a time, so that claims are worth their write
      while (this.#isRunning && this.#passes.size > maxParallelRecovery * 0.75)
        await Promise.race([...this.#passes, this.#stopped()]);
    }
  }

  /** Claims as many as there is room for; true when there may be more. */
  async #look(room: number): Promise<boolean> {
    const { store, clock, owner, settings, logger } = this.#surroundings;
    try {
      const now = clock.now();
      const claimed = await store.claim(now, owner, ({ options }) => leaseTime(options, settings, now), room);
      for (const details of claimed) {
        // a pass of this process may be slower than its lease
        if (!this.#runner.current(details.transaction.gid)) this.#start(details);
      }
      return claimed.length === room;
    } catch (error) {
      logger.error('looking for due transactions failed', { store: store.name, error: String(error) });
      return false;
    }
  }

  #start(details: TransactionDetails): void {
    const { gid } = details.transaction;
    const pass = this.#runner
      .run(details)
      .then(
        () => undefined,
        (error: unknown) =>
          this.#surroundings.logger.error('transaction could not be processed', { gid, error: String(error) }),
      )
      .finally(() => this.#passes.delete(pass));
    this.#passes.add(pass);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#surroundings.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #stopped(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
