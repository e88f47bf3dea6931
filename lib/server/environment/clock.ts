/** Time as the coordinator sees it; tests give a virtual one. */
export interface Clock {
  /** UTC milliseconds. */
  now(): number;
  /**
   * Calls back once after a time.
   *
   * @param callback - what to call
   * @param ms - milliseconds from now
   * @returns a function that cancels it
   */
  after(ms: number, callback: () => void): () => void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // a timer of Node that should wait longer than this does not wait at all
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
