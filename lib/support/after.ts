/** Calls back once after a time; the function that it returns cancels the call. */
export type After = (ms: number, callback: () => void) => () => void;

/** A longer time makes a timer of Node fire at once. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** Timers of the machine. They do not keep the process alive. */
export const systemAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS)).unref();
  return () => clearTimeout(timer);
};
