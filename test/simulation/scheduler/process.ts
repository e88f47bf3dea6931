/** Role of a process in the simulated system. */
export type ProcessKind = 'coordinator' | 'initiator' | 'bank';

/** Largest difference between the clock of a machine and the true time. */
export const MAX_CLOCK_ERROR_MS = 3_600_000;

/** A machine with its own clock, which outlives its processes. */
export class Machine {
  /** Time of the clock minus the true time. */
  clockErrorMs = 0;

  /** Moves the clock, as an administrator or NTP does. */
  adjustClock(ms: number): void {
    this.clockErrorMs = Math.max(-MAX_CLOCK_ERROR_MS, Math.min(MAX_CLOCK_ERROR_MS, this.clockErrorMs + ms));
  }
}

/** A process that executes events. Events of a dead process are dropped. */
export class Process {
  readonly kind: ProcessKind;
  readonly name: string;
  readonly machine: Machine;
  /** The event loop is blocked, and events wait, until this time. */
  stalledUntil = 0;
  /** The process is shutting down gracefully. */
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

  /** Ends the process at once, as `kill -9` does. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const callback of this.#onDeath) callback();
    this.#onDeath.clear();
  }

  /** Calls back at the death of the process, as a peer sees its connection break; returns a function that cancels it. */
  onDeath(callback: () => void): () => void {
    this.#onDeath.add(callback);
    return () => this.#onDeath.delete(callback);
  }
}
