import { constants } from 'node:os';
import { watchNpx } from './watch-npx.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The terminal sends Ctrl+C to this process, and npm passes it on once more: signals within this time count as one. */
const ECHO_MS = 100;

/**
 * The signals that stop the server. A signal during the start, and a second signal during the drain, end the process at once with
 * exit code 128 + the number of the signal; the next start continues what is stored.
 */
export class StopSignals {
  /** Resolves with the signal that starts the drain. */
  readonly drain: Promise<NodeJS.Signals>;
  #drain: ((signal: NodeJS.Signals) => void) | undefined;
  #drainedAt = -Infinity;
  #isStarted = false;

  constructor() {
    this.drain = new Promise((resolve) => (this.#drain = resolve));
    for (const signal of SIGNALS) process.on(signal, () => this.#receive(signal));
    watchNpx(process.env, () => {
      // the end of npx is not a second signal
      if (this.#drain) this.#receive('SIGTERM');
    });
  }

  /** From now on the first signal starts the drain. */
  started(): void {
    this.#isStarted = true;
  }

  #receive(signal: NodeJS.Signals): void {
    const now = performance.now();
    if (now - this.#drainedAt < ECHO_MS) return;
    if (!this.#isStarted || !this.#drain) process.exit(128 + constants.signals[signal]);
    this.#drainedAt = now;
    this.#drain(signal);
    this.#drain = undefined;
  }
}
