import type { Clock } from '../../environment/clock.js';

/** Longest time in milliseconds that a pass should wait for its first turn. */
const MAX_WAIT_MS = 500;

/** Who is sent away comes back after these times, in milliseconds: when there may be room, but in any case soon. */
const MIN_DEFERRAL_MS = 200;
const MAX_DEFERRAL_MS = 30_000;

/** Time of a turn until one was measured, in milliseconds. */
const DEFAULT_CALL_MS = 20;

interface TargetState {
  running: number;
  readonly queue: Waiting[];
  /** How long a turn takes of late; undefined until one was measured. */
  callMs: number | undefined;
  /** Turns so far, and passes that took them. */
  calls: number;
  passes: number;
  /** When the last of those who were sent away has its turn. */
  bookedUntil: number;
}

/** Calls of one pass. */
interface PassState {
  running: number;
  waiting: number;
  hasBegun: boolean;
}

interface Waiting {
  readonly calls: PassState;
  readonly begin: () => void;
}

/** The turns of one pass. */
export interface PassSlots {
  /**
   * Waits for a turn; a pass that has not begun is sent away when that would take long.
   *
   * @param name - the target
   * @returns undefined when it is sent away
   */
  acquire(name: string): Promise<CallSlot | undefined>;
  /**
   * When it is worth trying again; later for each who asks, so that they keep their order.
   *
   * @param name - the target
   */
  nextAttemptTime(name: string): number;
}

/** A turn that was taken. */
export interface CallSlot {
  /**
   * Ends it; who waits longest has the next one.
   *
   * @param wasUsed - the target was called
   */
  release(wasUsed: boolean): void;
}

/** Whom turns tell what happens. */
export interface RetryQueueListener {
  /** A pass waits, and has nothing else under way. */
  onWait(): void;
  /** There is room again at a target from which passes were sent away. */
  onCapacity(): void;
}

/**
 * Lets only so many calls work on the same target at a time. Some more wait, first come first served; the rest is sent
 * away until there may be room, so that a slow target with much to do takes no room from others.
 */
export class RetryQueue {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #listener: RetryQueueListener;
  readonly #targets = new Map<string, TargetState>();
  #waitingPasses = 0;

  /**
   * Makes turns.
   *
   * @param limit - most at a time for one target
   * @param clock - time
   * @param listener - is told
   */
  constructor(limit: number, clock: Clock, listener: RetryQueueListener) {
    this.#limit = limit;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Passes that have nothing under way but wait for a turn. */
  get waitingPasses(): number {
    return this.#waitingPasses;
  }

  /** The turns of a new pass. */
  forPass(): PassSlots {
    const calls: PassState = { running: 0, waiting: 0, hasBegun: false };
    return { acquire: (name) => this.#acquire(name, calls), nextAttemptTime: (name) => this.#nextAttemptTime(name) };
  }

  async #acquire(name: string, calls: PassState): Promise<CallSlot | undefined> {
    const target = this.#targetState(name);
    const isFirst = !calls.hasBegun && calls.waiting === 0;
    if (target.running < this.#limit) {
      target.running++;
      this.#count(calls, 1, 0);
    } else {
      if (isFirst && this.#isCrowded(target)) return undefined;
      this.#count(calls, 0, 1);
      await new Promise<void>((begin) => target.queue.push({ calls, begin }));
    }
    calls.hasBegun = true;
    target.calls++;
    if (isFirst) target.passes++;
    const start = this.#clock.now();
    return {
      release: (wasUsed) => {
        if (wasUsed) recordDuration(target, this.#clock.now() - start);
        this.#handOver(name, target);
        this.#count(calls, -1, 0);
      },
    };
  }

  #isCrowded(target: TargetState): boolean {
    const { queue, callMs: turnMs } = target;
    if (queue.length < this.#limit) return false;
    return turnMs === undefined || queue.length * this.#intervalMs(target) > MAX_WAIT_MS;
  }

  /** Time from one turn to the next. */
  #intervalMs({ callMs: turnMs = DEFAULT_CALL_MS }: TargetState): number {
    return turnMs / this.#limit;
  }

  #handOver(name: string, target: TargetState): void {
    const next = target.queue.shift();
    if (next) {
      // before the other one ends: a pass that goes on with another call does not wait in between
      this.#count(next.calls, 1, -1);
      next.begin();
    } else if (--target.running === 0) this.#targets.delete(name);
    if (target.queue.length === this.#limit - 1 && target.bookedUntil > this.#clock.now()) this.#listener.onCapacity();
  }

  #nextAttemptTime(name: string): number {
    const target = this.#targetState(name);
    const now = this.#clock.now();
    const gapMs = this.#intervalMs(target);
    const soonest = now + Math.max(MIN_DEFERRAL_MS, target.queue.length * gapMs);
    const passMs = gapMs * (target.calls / Math.max(1, target.passes));
    target.bookedUntil = Math.min(Math.max(target.bookedUntil, soonest) + passMs, now + MAX_DEFERRAL_MS);
    if (target.running === 0) this.#targets.delete(name);
    return Math.ceil(target.bookedUntil);
  }

  #targetState(name: string): TargetState {
    const known = this.#targets.get(name);
    if (known) return known;
    const target = { running: 0, queue: [], callMs: undefined, calls: 0, passes: 0, bookedUntil: 0 };
    this.#targets.set(name, target);
    return target;
  }

  #count(calls: PassState, working: number, waiting: number): void {
    const before = isWaiting(calls);
    calls.running += working;
    calls.waiting += waiting;
    if (isWaiting(calls) === before) return;
    this.#waitingPasses += before ? -1 : 1;
    if (!before) this.#listener.onWait();
  }
}

/** The clock may have been set meanwhile. */
function recordDuration(target: TargetState, ms: number): void {
  const { callMs: turnMs = ms } = target;
  target.callMs = Math.max(0, turnMs + (ms - turnMs) / 8);
}

function isWaiting({ running: working, waiting }: PassState): boolean {
  return waiting > 0 && working === 0;
}
