import type { Outcome } from '../../protocol/index.js';
import { HELD } from '../engine/pass.js';
import type { Surroundings } from '../surroundings.js';

/** Most targets that are remembered for not answering; beyond it the one that was called longest ago is forgotten. */
const MAX_TARGETS = 10_000;

/** Transactions that are woken at a time, so that nothing else waits for long. */
const WAKE_BATCH = 500;

interface Trouble {
  /** Calls in a row that nobody answered. */
  failures: number;
  isOpen: boolean;
  /** The next call may try whether somebody answers again. */
  mayTry: boolean;
  cancelTimer: () => void;
}

/**
 * Leaves targets alone that do not answer: after some calls in a row without an answer further ones are held back, but
 * for one now and then. When that is answered, everything that waits for the target becomes due at once.
 */
export class Breaker {
  readonly #surroundings: Surroundings;
  readonly #onDue: () => void;
  readonly #troubles = new Map<string, Trouble>();
  #isStopped = false;

  /**
   * Makes a breaker.
   *
   * @param surroundings - store, clock, settings, logger
   * @param onDue - called when transactions have become due
   */
  constructor(surroundings: Surroundings, onDue: () => void) {
    this.#surroundings = surroundings;
    this.#onDue = onDue;
  }

  /**
   * Makes a call unless its target is being left alone.
   *
   * @param target - see `targetOf`
   * @param call - the call
   */
  async call(target: string, call: () => Promise<Outcome>): Promise<Outcome | typeof HELD> {
    const trouble = this.#troubles.get(target);
    if (trouble?.isOpen) {
      if (!trouble.mayTry) return HELD;
      trouble.mayTry = false;
    }
    const outcome = await call();
    if (outcome.kind === 'unknown' && outcome.unreachable) this.#failed(target);
    else if (this.#troubles.size > 0) this.#answered(target);
    return outcome;
  }

  /** The targets that are left alone at present. */
  openTargets(): string[] {
    return [...this.#troubles].filter(([, { isOpen }]) => isOpen).map(([target]) => target);
  }

  /**
   * Forgets that a target did not answer.
   *
   * @param target - see `targetOf`
   */
  reset(target: string): void {
    this.#troubles.get(target)?.cancelTimer();
    this.#troubles.delete(target);
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true;
    for (const target of this.#troubles.keys()) this.reset(target);
  }

  #failed(target: string): void {
    if (this.#isStopped) return;
    const trouble = this.#troubles.get(target) ?? { failures: 0, isOpen: false, mayTry: false, cancelTimer: () => {} };
    // behind those that were called longer ago
    this.#troubles.delete(target);
    this.#troubles.set(target, trouble);
    if (this.#troubles.size > MAX_TARGETS) this.reset(this.#troubles.keys().next().value!);
    trouble.failures++;
    const { settings, logger } = this.#surroundings;
    if (trouble.failures < settings.breakerFailures) return;
    if (!trouble.isOpen) logger.warn('target does not answer, it is left alone until it does', { target });
    trouble.isOpen = true;
    this.#tryLater(target, trouble);
  }

  #answered(target: string): void {
    const trouble = this.#troubles.get(target);
    if (!trouble) return;
    this.reset(target);
    if (!trouble.isOpen) return;
    this.#surroundings.logger.info('target answers again', { target });
    void this.#wakeAll(target);
  }

  #tryLater(target: string, trouble: Trouble): void {
    const { clock, settings } = this.#surroundings;
    trouble.cancelTimer();
    trouble.cancelTimer = clock.after(settings.breakerProbeSeconds * 1000, () => {
      trouble.mayTry = true;
      void this.#wake(target, 1);
    });
  }

  async #wakeAll(target: string): Promise<void> {
    while (!this.#isStopped && (await this.#wake(target, WAKE_BATCH)) === WAKE_BATCH);
  }

  async #wake(target: string, limit: number): Promise<number> {
    const { store, clock, logger } = this.#surroundings;
    try {
      const now = clock.now();
      const count = await store.wake(now, { target, laterThan: now, limit });
      if (count > 0) this.#onDue();
      return count;
    } catch (error) {
      // they are due at the end of their intervals all the same
      logger.error('transactions could not be made due', { target, error: String(error) });
      return 0;
    }
  }
}
