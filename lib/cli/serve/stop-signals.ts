import { constants } from 'node:os';
import { watchLauncher } from './launcher.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Ctrl+C reaches this process from the terminal and again from npm, which passes it on: within this time it is one. */
const ECHO_MS = 100;

/**
 * The signals to stop. While the process starts, and while it drains, one ends it at once with exit code 128 + its
 * number: what is stored is taken up by the next start.
 */
export class StopSignals {
  /** Resolves with the signal to drain. */
  readonly drain: Promise<NodeJS.Signals>;
  #drain: ((signal: NodeJS.Signals) => void) | undefined;
  #begunAt = -Infinity;
  #isStarted = false;

  constructor() {
    this.drain = new Promise((resolve) => (this.#drain = resolve));
    for (const signal of SIGNALS) process.on(signal, () => this.#receive(signal));
    watchLauncher(process.env, () => {
      // nobody asked a second time
      if (this.#drain) this.#receive('SIGTERM');
    });
  }

  /** From here on the first signal only asks to drain. */
  started(): void {
    this.#isStarted = true;
  }

  #receive(signal: NodeJS.Signals): void {
    const now = performance.now();
    if (now - this.#begunAt < ECHO_MS) return;
    if (!this.#isStarted || !this.#drain) process.exit(128 + constants.signals[signal]);
    this.#begunAt = now;
    this.#drain(signal);
    this.#drain = undefined;
  }
}
