import { Dice } from './scheduler/dice.js';
import type { Process } from './scheduler/process.js';
import { Scheduler } from './scheduler/scheduler.js';
import { Trace } from './scheduler/trace.js';
import { NO_FAULTS, type Fault, type Faults } from './faults/faults.js';

/** The invariants of a run; what each one says is in docs/testing.md. */
export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'durability'
  | 'order'
  | 'lease'
  | 'errors';

/** How many events a run may have at most: one that has more goes round in a circle. */
const MOST_EVENTS = 300_000;

/** An invariant does not hold. */
export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
  }
}

/** Counts what happened, to see that everything that should be tested was. */
export type Coverage = Map<string, number>;

/** What all parts of a simulated world share: time, chance, faults, and the record of what happened. */
export class Simulation {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly coverage: Coverage = new Map();
  #faults: Faults = NO_FAULTS;
  #violation: Violation | undefined;

  constructor(seed: number, keepsLines: boolean) {
    this.dice = new Dice(seed);
    this.scheduler = new Scheduler(this.dice);
    this.trace = new Trace(keepsLines);
  }

  /** From now on this decides what goes wrong. */
  useFaults(faults: Faults): void {
    this.#faults = faults;
  }

  /** What goes wrong now, of what could; undefined = nothing. */
  fault<F extends Fault>(kinds: readonly F[], process: Process): F | undefined {
    const fault = this.#faults.at(kinds);
    if (fault) this.happened(fault, process);
    return fault;
  }

  /** Notes that something out of the ordinary happened. */
  happened(what: string, process?: Process): void {
    this.count(what);
    this.log(process?.name ?? 'world', `*** ${what}`);
  }

  count(what: string): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + 1);
  }

  log(who: string, what: string): void {
    this.trace.add(this.scheduler.now, who, what);
  }

  /**
   * Reports that an invariant does not hold. Does not throw: the code under test might catch it.
   *
   * @param invariant - which one
   * @param message - what is wrong
   */
  violate(invariant: Invariant, message: string): void {
    this.log('!!!', `${invariant}: ${message}`);
    this.#violation ??= new Violation(invariant, message);
  }

  /**
   * Lets the next event happen.
   *
   * @param dueTime - see {@link Scheduler.step}
   * @returns false when nothing can happen any more
   * @throws Violation when an invariant does not hold after it
   */
  async step(dueTime: (process: Process) => number): Promise<boolean> {
    const isMore = await this.scheduler.step(dueTime);
    if (this.scheduler.events > MOST_EVENTS) this.violate('I5', `no end after ${MOST_EVENTS} events`);
    if (this.#violation) throw this.#violation;
    return isMore;
  }
}
