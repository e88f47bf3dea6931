import { systemAfter } from '../../support/after.js';

/** Time as the coordinator sees it; tests give a virtual clock. */
export interface Clock {
  /** Returns the time in UTC milliseconds. */
  now(): number;
  /** Calls back once after a time, without keeping the process alive; the function that it returns cancels the call. */
  after(ms: number, callback: () => void): () => void;
}

/** Clock and timers of the machine. */
export const systemClock: Clock = { now: () => Date.now(), after: systemAfter };
