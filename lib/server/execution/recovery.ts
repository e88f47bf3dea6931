import type { TransactionDetails } from '../../protocol/internal.js';
import { Turns } from './calls/turns.js';
import { leaseTime } from '../engine/schedule.js';
import type { Leases } from './leases.js';
import type { Runner } from './runner.js';
import type { CoordinatorEnvironment } from '../environment/environment.js';

/** Passes that only wait for a busy target leave room for others: so many times as many there are at most. */
const WAITING_FACTOR = 8;

/** Looks for due transactions and runs them: retries, timeouts, and what another process left behind. */
export class Recovery {
  readonly #environment: CoordinatorEnvironment;
  readonly #leases: Leases;
  readonly #runner: Runner;
  readonly #turns: Turns;
  #passes = 0;
  #loop: Promise<void> | undefined;
  #isRunning = false;
  #isNudged = false;
  #endPause: () => void = () => undefined;
  #onChange: () => void = () => undefined;

  constructor(environment: CoordinatorEnvironment, leases: Leases, runner: Runner) {
    this.#environment = environment;
    this.#leases = leases;
    this.#runner = runner;
    const { clock, settings } = environment;
    this.#turns = new Turns(settings.maxParallelRecoveryPerTarget, clock, {
      onWait: () => this.#onChange(),
      onRoom: () => this.nudge(),
    });
  }

  /** Looks at once, then again and again. Idempotent. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop = this.#run();
  }

  /** Looks at once rather than at the end of the pause: something has become due. */
  nudge(): void {
    this.#isNudged = true;
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
  get #room(): number {
    const { maxParallelRecovery } = this.#environment.settings;
    const working = this.#passes - this.#turns.waitingPasses;
    return Math.min(maxParallelRecovery - working, maxParallelRecovery * WAITING_FACTOR - this.#passes);
  }

  async #run(): Promise<void> {
    const { pollIntervalSeconds, maxParallelRecovery } = this.#environment.settings;
    while (this.#isRunning) {
      this.#isNudged = false;
      const isMore = await this.#look(this.#room);
      if (!isMore) await this.#pause(pollIntervalSeconds * 1000);
      // a quarter at a time, so that claims are worth their write
      while (this.#isRunning && this.#room < maxParallelRecovery / 4) await this.#change();
    }
  }

  /** Claims as many as there is room for; true when there may be more. */
  async #look(room: number): Promise<boolean> {
    const { store, clock, settings, logger } = this.#environment;
    try {
      const now = clock.now();
      const claimed = await store.claim(
        now,
        this.#leases.next(),
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
    this.#passes++;
    try {
      await this.#runner.run(details, this.#turns.forPass());
    } catch (error) {
      const { gid } = details.transaction;
      this.#environment.logger.error('transaction could not be processed', { gid, error: String(error) });
    } finally {
      this.#passes--;
      this.#onChange();
    }
  }

  /** Ends early when the recovery is nudged or stopped. */
  async #pause(ms: number): Promise<void> {
    if (this.#isNudged || !this.#isRunning) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#environment.clock.after(ms, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Passes end, or begin to wait for a turn. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}
