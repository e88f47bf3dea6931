import { FairSlots } from '../../../support/fair-slots.js';
import { SlotsByServer } from '../../../support/slots-by-server.js';
import type { Clock } from '../../environment/clock.js';
import type { CoordinatorSettings } from '../../settings.js';
import type { Target } from './target.js';

/** Longest time in milliseconds that a pass should wait for its first slot. */
const MAX_WAIT_MS = 500;

/** Limits in milliseconds for the deferral of a pass that found the queue full. */
const MIN_DEFERRAL_MS = 200;
const MAX_DEFERRAL_MS = 30_000;

/** Assumed duration of a call in milliseconds until one was measured. */
const DEFAULT_CALL_MS = 20;

/** A call that has lasted longer counts as hanging: its pass uses none of the capacity of recovery any more. */
const HANGING_MS = 1000;

/** Calls for each pass that may run at a time. Many servers whose calls hang leave some to the others. */
const CALLS_PER_PASS = 4;

/** Origins that can have all of their calls at a time, so that few passes with many calls are not slower. */
const MIN_ORIGINS = 4;

/** What is known of the calls of one kind of path, while one of them runs or waits. */
interface KindState {
  /** Moving average of the duration of calls; undefined until one was measured. */
  callMs: number | undefined;
  /** Calls so far, and the passes that made them. */
  calls: number;
  passes: number;
  /** When the last deferred pass is expected to get its slot. */
  bookedUntil: number;
}

interface PassState {
  /** Running calls that do not hang. */
  running: number;
  /** Calls that wait for a slot, or hang. */
  waiting: number;
  hasBegun: boolean;
}

/** How one pass gets slots for its calls. */
export interface PassSlots {
  /**
   * Waits for a slot. A pass without a slot so far does not wait when that would take long.
   *
   * @param target - where the call leads
   * @returns undefined when the pass must be deferred
   */
  acquire(target: Target): Promise<CallSlot | undefined>;
  /**
   * When a deferred pass should try again; later with each call, so that deferred passes keep their order.
   *
   * @param target - where the call leads
   */
  nextAttemptTime(target: Target): number;
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
  /** A pass only waits for slots or for calls that hang. */
  onWait(): void;
  /** A path for which passes were deferred has capacity again. */
  onCapacity(): void;
}

/**
 * Limits the concurrent calls of recovery: those of one path, twice as many for all paths of an origin, and those of all
 * origins. Further calls of a path wait in a short queue, first in, first out. When it is full, passes are deferred, so that a
 * slow path with a long backlog takes no capacity from others. Paths of one {@link Target.kind} count as one path.
 *
 * Free slots go to the paths of an origin in turn, and to the origins in turn. So however many paths and origins hang, each of
 * the others gets a slot when the calls before it have timed out: after as many time-outs as their number divided by that of the slots.
 */
export class RetryQueue {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #listener: RetryQueueListener;
  readonly #slots: SlotsByServer;
  /** Slots that the origins share. */
  readonly #origins: FairSlots;
  readonly #kinds = new Map<string, KindState>();
  #waitingPasses = 0;

  /**
   * @param settings - maximum number of concurrent calls of one path, and of passes
   * @param clock - measures calls
   * @param listener - is notified of changes
   */
  constructor(
    settings: Pick<CoordinatorSettings, 'maxParallelRecovery' | 'maxParallelRecoveryPerTarget'>,
    clock: Clock,
    listener: RetryQueueListener,
  ) {
    this.#limit = settings.maxParallelRecoveryPerTarget;
    this.#slots = new SlotsByServer(2 * this.#limit);
    const total = Math.max(CALLS_PER_PASS * settings.maxParallelRecovery, MIN_ORIGINS * 2 * this.#limit);
    this.#origins = new FairSlots(total);
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Passes that only wait for slots, or for calls that hang. */
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

  async #acquire({ origin, kind }: Target, pass: PassState): Promise<CallSlot | undefined> {
    const isFirst = !pass.hasBegun && pass.waiting === 0;
    const hasSlot = this.#slots.tryAcquire(origin, kind);
    if (hasSlot && this.#origins.tryAcquire(origin)) this.#count(pass, 1, 0);
    else {
      if (!hasSlot && isFirst && this.#isFull(origin, kind)) return undefined;
      this.#count(pass, 0, 1);
      await new Promise<void>((resolve) => {
        const begin = (): void => {
          // counted before the released slot, so that a pass that goes on with another call never counts as waiting
          this.#count(pass, 1, -1);
          resolve();
        };
        const waitForOrigin = (): void => {
          if (this.#origins.tryAcquire(origin)) begin();
          else this.#origins.wait(origin, begin);
        };
        if (hasSlot) this.#origins.wait(origin, begin);
        else this.#slots.wait(origin, kind, waitForOrigin);
      });
    }
    const state = this.#stateOf(kind);
    pass.hasBegun = true;
    state.calls++;
    if (isFirst) state.passes++;
    const start = this.#clock.now();
    let hangs = false;
    const cancel = this.#clock.after(HANGING_MS, () => {
      hangs = true;
      this.#count(pass, -1, 1);
    });
    return {
      release: (wasUsed) => {
        cancel();
        if (wasUsed) recordDuration(state, this.#clock.now() - start);
        const wasLong = this.#isLong(origin, kind);
        this.#slots.release(origin, kind);
        this.#origins.release(origin);
        this.#count(pass, hangs ? 0 : -1, hangs ? -1 : 0);
        this.#forgetIfIdle(origin, kind);
        const hasCapacity = wasLong && !this.#isLong(origin, kind);
        if (hasCapacity && state.bookedUntil > this.#clock.now()) this.#listener.onCapacity();
      },
    };
  }

  #isFull(origin: string, kind: string): boolean {
    if (!this.#isLong(origin, kind)) return false;
    const state = this.#stateOf(kind);
    return state.callMs === undefined || this.#slots.waiting(origin, kind) * this.#slotIntervalMs(state) > MAX_WAIT_MS;
  }

  /** Whether further calls of a path would wait for long. The first may always wait: it gets a slot in the next turn of the paths. */
  #isLong(origin: string, kind: string): boolean {
    const waiting = this.#slots.waiting(origin, kind);
    return waiting >= this.#limit || (waiting > 0 && this.#slots.waitingAt(origin) >= 2 * this.#limit);
  }

  /** Expected time from one free slot to the next. */
  #slotIntervalMs({ callMs = DEFAULT_CALL_MS }: KindState): number {
    return callMs / this.#limit;
  }

  #nextAttemptTime({ origin, kind }: Target): number {
    const state = this.#stateOf(kind);
    const now = this.#clock.now();
    const intervalMs = this.#slotIntervalMs(state);
    const earliest = now + Math.max(MIN_DEFERRAL_MS, this.#slots.waiting(origin, kind) * intervalMs);
    const passMs = intervalMs * (state.calls / Math.max(1, state.passes));
    state.bookedUntil = Math.min(Math.max(state.bookedUntil, earliest) + passMs, now + MAX_DEFERRAL_MS);
    this.#forgetIfIdle(origin, kind);
    return Math.ceil(state.bookedUntil);
  }

  #stateOf(kind: string): KindState {
    const known = this.#kinds.get(kind);
    if (known) return known;
    const state = { callMs: undefined, calls: 0, passes: 0, bookedUntil: 0 };
    this.#kinds.set(kind, state);
    return state;
  }

  #forgetIfIdle(origin: string, kind: string): void {
    if (this.#slots.running(origin, kind) + this.#slots.waiting(origin, kind) === 0) this.#kinds.delete(kind);
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
function recordDuration(kind: KindState, ms: number): void {
  const { callMs = ms } = kind;
  kind.callMs = Math.max(0, callMs + (ms - callMs) / 8);
}

function isBlocked({ running, waiting }: PassState): boolean {
  return waiting > 0 && running === 0;
}
