import type { Clock } from 'nestjs-dtm/server';

interface Timer {
  readonly time: number;
  readonly order: number;
  readonly callback: () => void;
}

/** When virtual time begins: a round number, far from today. */
export const START_TIME = Date.UTC(2030, 0, 1);

/**
 * Turns of the event loop in which everything that needs no network comes to rest: promises, `setImmediate`, and with it
 * the group commits of the SQLite store.
 */
const SETTLING_TURNS = 40;

/** A clock that stands still until a test moves it on. */
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

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the clock without firing anything, like a machine whose clock was set. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /**
   * Lets time pass: fires what becomes due, in order, each at its own time, with everything at rest in between.
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

/** Lets everything that needs neither time nor network come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
}
