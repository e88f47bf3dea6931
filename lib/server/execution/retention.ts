import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';

/** Transactions in one write and the pause between two writes, so that other writes do not wait for long. */
const BATCH_SIZE = 200;
const PAUSE_MS = 20;

/** Longest pause between two rounds, and the pause after an error of the store. */
const MAX_ROUND_MS = 3600 * 1000;
const RETRY_MS = 60 * 1000;

/** Deletes finished transactions after the retention time, in small batches. */
export class Retention {
  readonly #environment: CoordinatorEnvironment;
  #cancel: () => void = () => undefined;
  #batch: Promise<void> | undefined;
  #isRunning = false;

  constructor(environment: CoordinatorEnvironment) {
    this.#environment = environment;
  }

  /** Starts going through all transactions, round after round. Idempotent. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#schedule(PAUSE_MS, '');
  }

  /** Stops; waits for the running batch. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancel();
    await this.#batch;
  }

  #schedule(ms: number, position: string): void {
    if (!this.#isRunning) return;
    this.#cancel = this.#environment.clock.after(ms, () => {
      this.#batch = this.#prune(position);
    });
  }

  async #prune(position: string): Promise<void> {
    const { store, clock, settings, logger } = this.#environment;
    const round = Math.min(MAX_ROUND_MS, settings.retentionSeconds * 1000);
    try {
      const before = clock.now() - settings.retentionSeconds * 1000;
      const { nextPosition } = await store.prune(before, position, BATCH_SIZE);
      this.#schedule(nextPosition ? PAUSE_MS : round, nextPosition);
    } catch (error) {
      logger.error('finished transactions could not be deleted', { store: store.name, error: String(error) });
      this.#schedule(Math.min(round, RETRY_MS), '');
    }
  }
}
