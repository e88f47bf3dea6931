import type { RandomSource } from './random-source.js';
import { EventQueue, isVoid, type Event } from './event-queue.js';
import type { Process } from './process.js';

/**
 * Executes one event at a time, in a seeded order. The next event starts when all promises of the last one have settled.
 * Time stands still during an event and jumps to the next one.
 */
export class Scheduler {
  /** A timer of a coordinator without due work fires up to this late, which a real event loop may do too. */
  maxLatenessMs = 0;
  readonly #random: RandomSource;
  readonly #queue = new EventQueue();
  #timers: Event[] = [];
  #now = 0;
  #events = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** The true time: simulated milliseconds since the start, independent of the clocks of machines. */
  get now(): number {
    return this.#now;
  }

  /** Number of events so far. */
  get events(): number {
    return this.#events;
  }

  /**
   * Schedules an event. Events of the same time run in random order.
   *
   * @param ms - delay from now
   * @param process - executes the event, unless it is dead by then; undefined = the simulation
   * @param run - the event
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

  /** Waits; for initiators. */
  pause(ms: number, process: Process): Promise<void> {
    return new Promise((resolve) => void this.after(ms, process, () => resolve()));
  }

  /** Time of the next event that is not a timer. */
  get next(): number {
    return this.#queue.peek()?.time ?? Infinity;
  }

  /**
   * Executes the next event. A timer waits until its coordinator has due work, or until its lateness reaches
   * {@link maxLatenessMs}.
   *
   * @param dueTime - earliest time at which a process has due work
   * @returns false when no event is left
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
    await drainMicrotasks();
    return true;
  }

  #takeNext(dueTime: (process: Process) => number): Event | undefined {
    const queued = this.#queue.peek();
    this.#timers = this.#timers.filter((timer) => !isVoid(timer));
    let first: Event | undefined;
    let firstTime = queued?.time ?? Infinity;
    for (const timer of this.#timers) {
      const latest = Math.min(dueTime(timer.process!), timer.time + this.maxLatenessMs);
      const time = Math.max(timer.time, latest);
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
    return { time: this.#now + Math.max(0, ms), rank: this.#random.next(), process, run, isCancelled: false };
  }
}

/** Waits until the microtask queue is empty: all promises that need no further event have settled. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
