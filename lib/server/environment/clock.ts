import { systemAfter, type After } from '../../support/after.js';

/** Time as the coordinator sees it; tests give a virtual one. */
export interface Clock {
  /** UTC milliseconds. */
  now(): number;
  /** Timers; they do not keep the process alive. */
  readonly after: After;
}

/** Clock and timers of the machine. */
export const systemClock: Clock = { now: () => Date.now(), after: systemAfter };
