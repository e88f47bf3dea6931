import type { TransactionDetails } from '../../protocol/internal.js';
import { RetryQueue } from './calls/retry-queue.js';
import { leaseTime } from '../engine/schedule.js';
import type { Leases } from './leases.js';
import type { Runner } from './runner.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';

/** Passes that only wait for a busy target leave room for others: so many times as many there are at most. */
const MAX_WAITING_FACTOR = 8;

/** Looks for due transactions and runs them: retries, timeouts, and what another process left behind. */
export class Recovery {
  readonly #environment: CoordinatorEnvironment;
  readonly #leases: Leases;
  readonly #runner: Runner;
  readonly #retryQueue: RetryQueue;
  #passCount = 0;
  #loop: Promise<void> | undefined;
  #isRunning = false;
  #isPollRequested = false;
  #endPause: () => void = () => undefined;
  #onChange: () => void = () => undefined;

  constructor(environment: CoordinatorEnvironment, leases: Leases, runner: Runner) {
    this.#environment = environment;
    this.#leases = leases;
    this.#runner = runner;
    const { clock, settings } = environment;
    this.#retryQueue = new RetryQueue(settings.maxParallelRecoveryPerTarget, clock, {
      onWait: () => this.#onChange(),
      onCapacity: () => this.pollNow(),
    });
  }

  /** Looks at once, then again and again. Idempotent. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop = this.#run();
  }

  /** Looks at once rather than at the end of the pause: something has become due. */
  pollNow(): void {
    this.#isPollRequested = true;
    this.#endPause();
  }

  /** Looks no more; waits for the look under way, not for the passes it started. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#endPause();
    this.#onChange();
    await this.#loop;
  }

  /** How many passes may be started: those that only wait for a busy target leave room for others. */
  get #capacity(): number {
    const { maxParallelRecovery } = this.#environment.settings;
    const working = this.#passCount - this.#retryQueue.waitingPasses;
    return Math.min(maxParallelRecovery - working, maxParallelRecovery * MAX_WAITING_FACTOR - this.#passCount);
  }

  async #run(): Promise<void> {
    const { pollIntervalSeconds, maxParallelRecovery } = this.#environment.settings;
    while (this.#isRunning) {
      this.#isPollRequested = false;
      const isMore = await this.#poll(this.#capacity);
      if (!isMore) await this.#pause(pollIntervalSeconds * 1000);
      // a quarter at a time, so that claims are worth their write
      while (this.#isRunning && this.#capacity < maxParallelRecovery / 4) await this.#waitForChange();
    }
  }

  /** Claims as many as there is room for; true when there may be more. */
  async #poll(room: number): Promise<boolean> {
    const { store, clock, settings, logger } = this.#environment;
    try {
      const now = clock.now();
      const claimed = await store.claim(
        now,
        this.#leases.nextOwner(),
        ({ options }) => leaseTime(options, settings, now),
        room,
      );
      for (const details of claimed) {
        // a pass of this process may be slower than its lease
        if (!this.#runner.renew(details.transaction, details.transaction.updateTime)) void this.#start(details);
      }
      return claimed.length === room;
    } catch (error) {
      logger.error('looking for due transactions failed', { store: store.name, error: String(error) });
      return false;
    }
  }

  async #start(details: TransactionDetails): Promise<void> {
    this.#passCount++;
    try {
      await this.#runner.run(details, this.#retryQueue.forPass());
    } catch (error) {
      const { gid } = details.transaction;
      this.#environment.logger.error('transaction could not be processed', { gid, error: String(error) });
    } finally {
      this.#passCount--;
      this.#onChange();
    }
  }

  /** Ends early when the recovery is nudged or stopped. */
  async #pause(ms: number): Promise<void> {
    if (this.#isPollRequested || !this.#isRunning) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#environment.clock.after(ms, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Passes end, or begin to wait for a turn. */
  #waitForChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}
