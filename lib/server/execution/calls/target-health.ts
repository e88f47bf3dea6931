import type { Clock } from '../../environment/clock.js';

/** Maximum number of transactions of a target that are remembered as candidates for a probe. */
const MAX_CANDIDATES = 16;

/** State of the circuit breaker for an origin or a path that has failed. */
export class TargetHealth {
  /** Calls in a row without an answer; of a path, the transactions of these calls. */
  failures = 0;
  /** What the target last answered, when waiting does not change it. */
  refusal: string | undefined;
  /** The circuit is open: calls are deferred. */
  isOpen = false;
  /** The next call may probe the target. */
  mayProbe = false;
  /** The transaction that was woken to probe; a new transaction may probe, too. */
  probeGid: string | undefined;
  /** Transactions wait for the target. */
  hasDeferred = false;
  /** Deferred transactions are being woken. */
  isWaking = false;
  /** Transactions that can probe; the last one is next. */
  readonly #candidates: string[] = [];
  #cancelProbe: (() => void) | undefined;

  /** A probe is scheduled. */
  get isProbeScheduled(): boolean {
    return this.#cancelProbe !== undefined;
  }

  /** Opens the circuit. */
  open(): void {
    this.isOpen = true;
    this.mayProbe = false;
    this.hasDeferred = true;
  }

  /** Closes the circuit and forgets the candidates. */
  close(): void {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    this.#candidates.length = 0;
    this.failures = 0;
    this.isOpen = false;
    this.mayProbe = false;
  }

  /** Allows a probe after a time, instead of any probe scheduled before. */
  scheduleProbe(clock: Clock, seconds: number, onProbe: () => void): void {
    this.#cancelProbe?.();
    this.#cancelProbe = clock.after(seconds * 1000, () => {
      this.#cancelProbe = undefined;
      this.mayProbe = true;
      onProbe();
    });
  }

  /**
   * Remembers a transaction as a candidate. A new transaction is next, others come in turn: when only some services behind a
   * proxy are down, the probes soon find one that answers.
   */
  addCandidate(gid: string, isNew: boolean, random: () => number): void {
    const candidates = this.#candidates;
    const index = candidates.indexOf(gid);
    if (index >= 0) candidates.splice(index, 1);
    if (isNew) candidates.push(gid);
    else candidates.unshift(gid);
    if (candidates.length <= MAX_CANDIDATES) return;
    candidates.splice(Math.floor((random() * candidates.length) / 2), 1);
  }

  /** Whether a transaction is remembered. */
  hasCandidate(gid: string): boolean {
    return this.#candidates.includes(gid);
  }

  /** Removes the next candidate. */
  takeCandidate(): string | undefined {
    return this.#candidates.pop();
  }
}
