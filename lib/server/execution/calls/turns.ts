import type { Clock } from '../../environment/clock.js';

/** Longest time in milliseconds that a pass should wait for its first turn. */
const MOST_WAIT_MS = 500;

/** Who is sent away comes back after these times, in milliseconds: when there may be room, but in any case soon. */
const SOONEST_MS = 200;
const LATEST_MS = 30_000;

/** Time of a turn until one was measured, in milliseconds. */
const FIRST_GUESS_MS = 20;

interface Target {
  working: number;
  readonly queue: Waiting[];
  /** How long a turn takes of late; undefined until one was measured. */
  turnMs: number | undefined;
  /** Turns so far, and passes that took them. */
  turns: number;
  passes: number;
  /** When the last of those who were sent away has its turn. */
  bookedUntil: number;
}

/** Calls of one pass. */
interface Calls {
  working: number;
  waiting: number;
  hasBegun: boolean;
}

interface Waiting {
  readonly calls: Calls;
  readonly begin: () => void;
}

/** The turns of one pass. */
export interface PassTurns {
  /**
   * Waits for a turn; a pass that has not begun is sent away when that would take long.
   *
   * @param name - the target
   * @returns undefined when it is sent away
   */
  take(name: string): Promise<Turn | undefined>;
  /**
   * When it is worth trying again; later for each who asks, so that they keep their order.
   *
   * @param name - the target
   */
  later(name: string): number;
}

/** A turn that was taken. */
export interface Turn {
  /**
   * Ends it; who waits longest has the next one.
   *
   * @param wasUsed - the target was called
   */
  end(wasUsed: boolean): void;
}

/** Whom turns tell what happens. */
export interface TurnsListener {
  /** A pass waits, and has nothing else under way. */
  onWait(): void;
  /** There is room again at a target from which passes were sent away. */
  onRoom(): void;
}

/**
 * Lets only so many calls work on the same target at a time. Some more wait, first come first served; the rest is sent
 * away until there may be room, so that a slow target with much to do takes no room from others.
 */
export class Turns {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #listener: TurnsListener;
  readonly #targets = new Map<string, Target>();
  #waitingPasses = 0;

  /**
   * Makes turns.
   *
   * @param limit - most at a time for one target
   * @param clock - time
   * @param listener - is told
   */
  constructor(limit: number, clock: Clock, listener: TurnsListener) {
    this.#limit = limit;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Passes that have nothing under way but wait for a turn. */
  get waitingPasses(): number {
    return this.#waitingPasses;
  }

  /** The turns of a new pass. */
  forPass(): PassTurns {
    const calls: Calls = { working: 0, waiting: 0, hasBegun: false };
    return { take: (name) => this.#take(name, calls), later: (name) => this.#later(name) };
  }

  async #take(name: string, calls: Calls): Promise<Turn | undefined> {
    const target = this.#target(name);
    const isFirst = !calls.hasBegun && calls.waiting === 0;
    if (target.working < this.#limit) {
      target.working++;
      this.#count(calls, 1, 0);
    } else {
      if (isFirst && this.#isCrowded(target)) return undefined;
      this.#count(calls, 0, 1);
      await new Promise<void>((begin) => target.queue.push({ calls, begin }));
    }
    calls.hasBegun = true;
    target.turns++;
    if (isFirst) target.passes++;
    const start = this.#clock.now();
    return {
      end: (wasUsed) => {
        if (wasUsed) measure(target, this.#clock.now() - start);
        this.#giveOn(name, target);
        this.#count(calls, -1, 0);
      },
    };
  }

  #isCrowded(target: Target): boolean {
    const { queue, turnMs } = target;
    if (queue.length < this.#limit) return false;
    return turnMs === undefined || queue.length * this.#gapMs(target) > MOST_WAIT_MS;
  }

  /** Time from one turn to the next. */
  #gapMs({ turnMs = FIRST_GUESS_MS }: Target): number {
    return turnMs / this.#limit;
  }

  #giveOn(name: string, target: Target): void {
    const next = target.queue.shift();
    if (next) {
      // before the other one ends: a pass that goes on with another call does not wait in between
      this.#count(next.calls, 1, -1);
      next.begin();
    } else if (--target.working === 0) this.#targets.delete(name);
    if (target.queue.length === this.#limit - 1 && target.bookedUntil > this.#clock.now()) this.#listener.onRoom();
  }

  #later(name: string): number {
    const target = this.#target(name);
    const now = this.#clock.now();
    const gapMs = this.#gapMs(target);
    const soonest = now + Math.max(SOONEST_MS, target.queue.length * gapMs);
    const passMs = gapMs * (target.turns / Math.max(1, target.passes));
    target.bookedUntil = Math.min(Math.max(target.bookedUntil, soonest) + passMs, now + LATEST_MS);
    if (target.working === 0) this.#targets.delete(name);
    return Math.ceil(target.bookedUntil);
  }

  #target(name: string): Target {
    const known = this.#targets.get(name);
    if (known) return known;
    const target = { working: 0, queue: [], turnMs: undefined, turns: 0, passes: 0, bookedUntil: 0 };
    this.#targets.set(name, target);
    return target;
  }

  #count(calls: Calls, working: number, waiting: number): void {
    const before = isWaiting(calls);
    calls.working += working;
    calls.waiting += waiting;
    if (isWaiting(calls) === before) return;
    this.#waitingPasses += before ? -1 : 1;
    if (!before) this.#listener.onWait();
  }
}

/** The clock may have been set meanwhile. */
function measure(target: Target, ms: number): void {
  const { turnMs = ms } = target;
  target.turnMs = Math.max(0, turnMs + (ms - turnMs) / 8);
}

function isWaiting({ working, waiting }: Calls): boolean {
  return waiting > 0 && working === 0;
}
