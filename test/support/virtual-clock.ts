import type { Clock } from 'nestjs-dtm/server';

interface Timer {
  readonly time: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Start of virtual time: a round number, far from today. */
export const START_TIME = Date.UTC(2030, 0, 1);

/**
 * Event loop turns after which all work without network has finished: promises, `setImmediate` and the group commits of
 * the SQLite store.
 */
const SETTLING_TURNS = 40;

/** A clock that a test advances. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(now: number = START_TIME) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { time: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Sets the clock without firing timers, like an administrator or NTP. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /**
   * Advances the clock: fires due timers in order, each at its own time, and waits after each until all work has settled.
   *
   * @param ms - virtual milliseconds
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].toSorted((a, b) => a.time - b.time || a.order - b.order)[0];
      if (!next || next.time > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.time);
      next.callback();
      await settled();
    }
    this.#now = Math.max(this.#now, end);
    await settled();
  }
}

/** Waits until all work that needs neither time nor network has settled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
}
