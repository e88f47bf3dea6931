import type { Clock } from '../../environment/clock.js';

/** Longest time in milliseconds that a pass should wait for its first slot. */
const MAX_WAIT_MS = 500;

/** Limits in milliseconds for the deferral of a pass that found the queue full. */
const MIN_DEFERRAL_MS = 200;
const MAX_DEFERRAL_MS = 30_000;

/** Assumed duration of a call in milliseconds until one was measured. */
const DEFAULT_CALL_MS = 20;

interface TargetState {
  running: number;
  readonly queue: Waiting[];
  /** Moving average of the duration of calls; undefined until one was measured. */
  callMs: number | undefined;
  /** Calls so far, and the passes that made them. */
  calls: number;
  passes: number;
  /** When the last deferred pass is expected to get its slot. */
  bookedUntil: number;
}

interface PassState {
  running: number;
  waiting: number;
  hasBegun: boolean;
}

interface Waiting {
  readonly pass: PassState;
  readonly begin: () => void;
}

/** How one pass gets slots for its calls. */
export interface PassSlots {
  /**
   * Waits for a slot. A pass without a slot so far does not wait when that would take long.
   *
   * @param target - see `targetOf`
   * @returns undefined when the pass must be deferred
   */
  acquire(target: string): Promise<CallSlot | undefined>;
  /**
   * When a deferred pass should try again; later with each call, so that deferred passes keep their order.
   *
   * @param target - see `targetOf`
   */
  nextAttemptTime(target: string): number;
}

/** The permission to call a target now. */
export interface CallSlot {
  /**
   * Hands the slot to the call that has waited longest.
   *
   * @param wasUsed - the target was called
   */
  release(wasUsed: boolean): void;
}

/** Is notified by {@link RetryQueue}. */
export interface RetryQueueListener {
  /** A pass waits and has no running call. */
  onWait(): void;
  /** A target for which passes were deferred has capacity again. */
  onCapacity(): void;
}

/**
 * Limits the concurrent calls of recovery for each target. Further calls wait in a short queue, first in, first out. When it
 * is full, passes are deferred, so that a slow target with a long backlog takes no capacity from other targets.
 */
export class RetryQueue {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #listener: RetryQueueListener;
  readonly #targets = new Map<string, TargetState>();
  #waitingPasses = 0;

  /**
   * @param limit - maximum number of concurrent calls of one target
   * @param clock - measures calls
   * @param listener - is notified of changes
   */
  constructor(limit: number, clock: Clock, listener: RetryQueueListener) {
    this.#limit = limit;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Passes that wait for a slot and have no running call. */
  get waitingPasses(): number {
    return this.#waitingPasses;
  }

  /** Slots for a new pass. */
  forPass(): PassSlots {
    const pass: PassState = { running: 0, waiting: 0, hasBegun: false };
    return {
      acquire: (target) => this.#acquire(target, pass),
      nextAttemptTime: (target) => this.#nextAttemptTime(target),
    };
  }

  async #acquire(name: string, pass: PassState): Promise<CallSlot | undefined> {
    const target = this.#targetState(name);
    const isFirst = !pass.hasBegun && pass.waiting === 0;
    if (target.running < this.#limit) {
      target.running++;
      this.#count(pass, 1, 0);
    } else {
      if (isFirst && this.#isFull(target)) return undefined;
      this.#count(pass, 0, 1);
      await new Promise<void>((begin) => target.queue.push({ pass, begin }));
    }
    pass.hasBegun = true;
    target.calls++;
    if (isFirst) target.passes++;
    const start = this.#clock.now();
    return {
      release: (wasUsed) => {
        if (wasUsed) recordDuration(target, this.#clock.now() - start);
        this.#handOver(name, target);
        this.#count(pass, -1, 0);
      },
    };
  }

  #isFull(target: TargetState): boolean {
    const { queue, callMs } = target;
    if (queue.length < this.#limit) return false;
    return callMs === undefined || queue.length * this.#slotIntervalMs(target) > MAX_WAIT_MS;
  }

  /** Expected time from one free slot to the next. */
  #slotIntervalMs({ callMs = DEFAULT_CALL_MS }: TargetState): number {
    return callMs / this.#limit;
  }

  #handOver(name: string, target: TargetState): void {
    const next = target.queue.shift();
    if (next) {
      // counted before the released slot, so that a pass that goes on with another call never counts as waiting
      this.#count(next.pass, 1, -1);
      next.begin();
    } else if (--target.running === 0) this.#targets.delete(name);
    if (target.queue.length === this.#limit - 1 && target.bookedUntil > this.#clock.now()) this.#listener.onCapacity();
  }

  #nextAttemptTime(name: string): number {
    const target = this.#targetState(name);
    const now = this.#clock.now();
    const intervalMs = this.#slotIntervalMs(target);
    const earliest = now + Math.max(MIN_DEFERRAL_MS, target.queue.length * intervalMs);
    const passMs = intervalMs * (target.calls / Math.max(1, target.passes));
    target.bookedUntil = Math.min(Math.max(target.bookedUntil, earliest) + passMs, now + MAX_DEFERRAL_MS);
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

  #count(pass: PassState, running: number, waiting: number): void {
    const wasBlocked = isBlocked(pass);
    pass.running += running;
    pass.waiting += waiting;
    if (isBlocked(pass) === wasBlocked) return;
    this.#waitingPasses += wasBlocked ? -1 : 1;
    if (!wasBlocked) this.#listener.onWait();
  }
}

/** The system clock may be set back during a call. */
function recordDuration(target: TargetState, ms: number): void {
  const { callMs = ms } = target;
  target.callMs = Math.max(0, callMs + (ms - callMs) / 8);
}

function isBlocked({ running, waiting }: PassState): boolean {
  return waiting > 0 && running === 0;
}
