/** The longest interval of Node; it never needs to fire. */
const INTERVAL_MS = 0x7fff_ffff;

/**
 * Keeps the process alive while a caller waits. The timers of the package do not: without a socket, a process would end
 * silently in the middle of the caller's `await`.
 *
 * @param work - what the caller waits for
 */
export async function holdProcess<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, INTERVAL_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
