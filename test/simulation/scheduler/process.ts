/** What a process of the simulated system is. */
export type ProcessKind = 'coordinator' | 'initiator' | 'bank';

/** Farthest that the clock of a machine is from the true time. */
export const MOST_CLOCK_ERROR_MS = 3_600_000;

/** A machine with a clock of its own, which survives its processes. */
export class Machine {
  /** What its clock shows, less the true time. */
  clockErrorMs = 0;

  /** Sets the clock, as people and NTP do. */
  jump(ms: number): void {
    this.clockErrorMs = Math.max(-MOST_CLOCK_ERROR_MS, Math.min(MOST_CLOCK_ERROR_MS, this.clockErrorMs + ms));
  }
}

/** A process: events are addressed to it, and get lost when it is dead. */
export class Process {
  readonly kind: ProcessKind;
  readonly name: string;
  readonly machine: Machine;
  /** While its event loop is blocked, events wait until this time. */
  stalledUntil = 0;
  /** It is being ended in order. */
  isStopping = false;
  #isAlive = true;
  readonly #onDeath = new Set<() => void>();

  constructor(kind: ProcessKind, name: string, machine: Machine = new Machine()) {
    this.kind = kind;
    this.name = name;
    this.machine = machine;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Ends it at once, as `kill -9` does. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const callback of this.#onDeath) callback();
    this.#onDeath.clear();
  }

  /** Calls back when it dies, as peers see their connections break; returns a function that cancels it. */
  onDeath(callback: () => void): () => void {
    this.#onDeath.add(callback);
    return () => this.#onDeath.delete(callback);
  }
}
