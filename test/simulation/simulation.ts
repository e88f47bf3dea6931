import { RandomSource } from './scheduler/random-source.js';
import type { Process } from './scheduler/process.js';
import { Scheduler } from './scheduler/scheduler.js';
import { Trace } from './scheduler/trace.js';
import { NO_FAULTS, type Fault, type Faults } from './faults/faults.js';

/** The invariants of a run; docs/testing.md explains each one. */
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
  | 'wake'
  | 'errors';

/** Most events of a run: a run with more events never ends. */
const MAX_EVENTS = 300_000;

/** An invariant does not hold. */
export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
  }
}

/** How often each fault and outcome occurred: shows whether a test covered all of them. */
export type Coverage = Map<string, number>;

/** State that all parts of a simulated system share: time, randomness, faults and the trace. */
export class Simulation {
  readonly random: RandomSource;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly coverage: Coverage = new Map();
  #faults: Faults = NO_FAULTS;
  #violation: Violation | undefined;

  constructor(seed: number, keepsLines: boolean) {
    this.random = new RandomSource(seed);
    this.scheduler = new Scheduler(this.random);
    this.trace = new Trace(keepsLines);
  }

  /** Replaces the source of faults. */
  useFaults(faults: Faults): void {
    this.#faults = faults;
  }

  /** Picks the fault to inject now, out of those possible here; undefined = none. */
  fault<F extends Fault>(kinds: readonly F[], process: Process): F | undefined {
    const fault = this.#faults.at(kinds);
    if (fault) this.happened(fault, process);
    return fault;
  }

  /** Counts and traces a fault, or a rare event. */
  happened(what: string, process?: Process): void {
    this.count(what);
    this.log(process?.name ?? 'simulation', `*** ${what}`);
  }

  count(what: string): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + 1);
  }

  log(source: string, event: string): void {
    this.trace.add(this.scheduler.now, source, event);
  }

  /**
   * Records a violated invariant. Does not throw, because the code under test might catch the error.
   *
   * @param invariant - the violated invariant
   * @param message - what is wrong
   */
  violate(invariant: Invariant, message: string): void {
    this.log('!!!', `${invariant}: ${message}`);
    this.#violation ??= new Violation(invariant, message);
  }

  /**
   * Executes the next event.
   *
   * @param dueTime - see {@link Scheduler.step}
   * @returns false when no event is left
   * @throws Violation when an invariant is violated after the event
   */
  async step(dueTime: (process: Process) => number): Promise<boolean> {
    const isMore = await this.scheduler.step(dueTime);
    if (this.scheduler.events > MAX_EVENTS) this.violate('I5', `no end after ${MAX_EVENTS} events`);
    if (this.#violation) throw this.#violation;
    return isMore;
  }
}
