import { transactionBytes, type TransactionDetails } from '../../protocol/internal.js';
import { leaseTime } from '../engine/schedule.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { LineLimit } from '../environment/line-limit.js';
import type { StoreHealth } from '../environment/store-health.js';
import { RetryQueue } from './calls/retry-queue.js';
import type { Leases } from './leases.js';
import type { Runner } from './runner.js';

/**
 * Passes that only wait in the retry queue, or for calls that hang, use no capacity. The total number of passes is limited to this
 * factor times the capacity.
 */
const MAX_WAITING_FACTOR = 8;

/**
 * Bytes of the texts of transactions that recovery works on: it claims no more above this. A claim exceeds it by one
 * transaction at most.
 */
const MAX_BYTES = 64 * 1024 * 1024;

/** Bytes of one claim: the store reads all of them at once. */
const MAX_CLAIM_BYTES = 16 * 1024 * 1024;

/** Polls for due transactions and runs them, as docs/protocol.md#passes says: retries, time-outs, and work that another process left behind. */
export class Recovery {
  readonly #environment: CoordinatorEnvironment;
  readonly #leases: Leases;
  readonly #runner: Runner;
  readonly #storeHealth: StoreHealth;
  readonly #lineLimit: LineLimit;
  readonly #retryQueue: RetryQueue;
  #passCount = 0;
  #bytes = 0;
  #loop: Promise<void> | undefined;
  #isRunning = false;
  #isPollRequested = false;
  #endPause: () => void = () => undefined;
  #onChange: () => void = () => undefined;

  constructor(
    environment: CoordinatorEnvironment,
    leases: Leases,
    runner: Runner,
    storeHealth: StoreHealth,
    lineLimit: LineLimit,
  ) {
    this.#environment = environment;
    this.#leases = leases;
    this.#runner = runner;
    this.#storeHealth = storeHealth;
    this.#lineLimit = lineLimit;
    const { clock, settings } = environment;
    this.#retryQueue = new RetryQueue(settings, clock, {
      onWait: () => this.#onChange(),
      onCapacity: () => this.pollNow(),
    });
  }

  /** Polls at once, then again and again. Idempotent. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop = this.#run();
  }

  /** Ends the pause between two polls, because a transaction has become due. */
  pollNow(): void {
    this.#isPollRequested = true;
    this.#endPause();
  }

  /** Stops polling; waits for the running poll, but not for the passes that it started. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#endPause();
    this.#onChange();
    await this.#loop;
  }

  /** How many more passes may start. */
  get #capacity(): number {
    if (this.#bytes >= MAX_BYTES) return 0;
    const { maxParallelRecovery } = this.#environment.settings;
    const working = this.#passCount - this.#retryQueue.waitingPasses;
    return Math.min(maxParallelRecovery - working, maxParallelRecovery * MAX_WAITING_FACTOR - this.#passCount);
  }

  async #run(): Promise<void> {
    const { pollIntervalSeconds, maxParallelRecovery } = this.#environment.settings;
    while (this.#isRunning) {
      this.#isPollRequested = false;
      const hasMore = await this.#poll(this.#capacity);
      if (!hasMore) await this.#pause(pollIntervalSeconds * 1000);
      // waits for a quarter of the capacity, so that a claim is worth its write
      while (this.#isRunning && this.#capacity < maxParallelRecovery / 4) await this.#waitForChange();
    }
  }

  /** Claims as many transactions as the capacity allows; true when more may be due. */
  async #poll(capacity: number): Promise<boolean> {
    const { store, clock, settings, application } = this.#environment;
    try {
      const now = clock.now();
      const maxBytes = Math.min(MAX_CLAIM_BYTES, MAX_BYTES - this.#bytes);
      const claimed = await store.claim(
        now,
        this.#leases.nextOwner(),
        ({ options }) => leaseTime(options, settings, now),
        capacity,
        maxBytes,
        application?.name,
      );
      for (const details of claimed) {
        // a pass of this process may have outlived its lease
        if (!this.#runner.renew(details.transaction, details.transaction.updateTime)) void this.#start(details);
      }
      await this.#storeHealth.afterPoll(false);
      const bytes = claimed.reduce((sum, details) => sum + bytesOf(details), 0);
      // stores may count bytes: up to three for a character
      return claimed.length === capacity || 3 * bytes >= maxBytes;
    } catch (error) {
      this.#lineLimit.write('error', 'polling for due transactions failed', {
        store: store.name,
        error: String(error),
      });
      await this.#storeHealth.afterPoll(true);
      return false;
    }
  }

  async #start(details: TransactionDetails): Promise<void> {
    const bytes = bytesOf(details);
    this.#passCount++;
    this.#bytes += bytes;
    try {
      await this.#runner.run(details, { slots: this.#retryQueue.forPass() });
    } catch (error) {
      const { gid } = details.transaction;
      this.#lineLimit.write('error', 'transaction could not be processed', { gid, error: String(error) });
    } finally {
      this.#passCount--;
      this.#bytes -= bytes;
      this.#onChange();
    }
  }

  /** Ends early when a poll is requested or the recovery stops. */
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

  /** Waits until a pass ends or begins to wait in the retry queue. */
  #waitForChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}

function bytesOf({ transaction, branches }: TransactionDetails): number {
  return transactionBytes(transaction, branches);
}
