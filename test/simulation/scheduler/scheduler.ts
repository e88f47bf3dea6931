import type { Dice } from './dice.js';
import { EventQueue, isGone, type Event } from './event-queue.js';
import type { Process } from './process.js';

/**
 * Decides the order of everything that happens: one event at a time, the next when everything that the last one set off
 * has come to rest. Time stands still while something happens, and jumps to the next event.
 */
export class Scheduler {
  /** A timer of a coordinator for which nothing is due comes this late; an event loop owes nobody more. */
  mostLatenessMs = 0;
  readonly #dice: Dice;
  readonly #queue = new EventQueue();
  #timers: Event[] = [];
  #now = 0;
  #events = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Simulated milliseconds since the beginning; the true time, whatever the clocks of machines say. */
  get now(): number {
    return this.#now;
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /**
   * Lets something happen later; what happens at the same time happens in random order.
   *
   * @param ms - from now
   * @param process - to whom it happens, not at all when it is dead by then; undefined = the world
   * @param run - what happens
   * @returns a function that cancels it
   */
  after(ms: number, process: Process | undefined, run: () => unknown): () => void {
    const event = this.#event(ms, process, run);
    this.#queue.push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Sets a timer of a coordinator, see {@link step}; returns a function that cancels it. */
  timer(ms: number, process: Process, run: () => unknown): () => void {
    const event = this.#event(ms, process, run);
    this.#timers.push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Waits; for the scripts of initiators. */
  pause(ms: number, process: Process): Promise<void> {
    return new Promise((resolve) => void this.after(ms, process, () => resolve()));
  }

  /** Time of the next event that is no timer. */
  get next(): number {
    return this.#queue.peek()?.time ?? Infinity;
  }

  /**
   * Lets the next event happen. A timer waits until there is something due for its coordinator, or its lateness becomes
   * unbearable.
   *
   * @param dueTime - when something is due for a process, at the earliest
   * @returns false when nothing can happen any more
   */
  async step(dueTime: (process: Process) => number): Promise<boolean> {
    const event = this.#takeNext(dueTime);
    if (!event) return false;
    this.#now = Math.max(this.#now, event.time);
    const stalledUntil = event.process?.stalledUntil ?? 0;
    if (stalledUntil > this.#now) {
      event.time = stalledUntil;
      this.#queue.push(event);
      return true;
    }
    this.#events += 1;
    event.run();
    await atRest();
    return true;
  }

  #takeNext(dueTime: (process: Process) => number): Event | undefined {
    const queued = this.#queue.peek();
    this.#timers = this.#timers.filter((timer) => !isGone(timer));
    let first: Event | undefined;
    let firstTime = queued?.time ?? Infinity;
    for (const timer of this.#timers) {
      const bearable = Math.min(dueTime(timer.process!), timer.time + this.mostLatenessMs);
      const time = Math.max(timer.time, bearable);
      if (time >= firstTime) continue;
      first = timer;
      firstTime = time;
    }
    if (!first) return this.#queue.pop();
    this.#timers.splice(this.#timers.indexOf(first), 1);
    first.time = firstTime;
    return first;
  }

  #event(ms: number, process: Process | undefined, run: () => unknown): Event {
    return { time: this.#now + Math.max(0, ms), rank: this.#dice.random(), process, run, isCancelled: false };
  }
}

/** All promises have settled that can settle by themselves: they are worked off before the event loop turns. */
function atRest(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
