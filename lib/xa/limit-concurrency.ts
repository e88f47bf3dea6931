/** Who has a turn, and who waits for one. */
interface Turns {
  running: number;
  readonly waiting: (() => void)[];
}

// keyed by the user's own pool and not by the adapter: an adapter may be made anew for each request
const turnsOf = new WeakMap<object, Turns>();

/**
 * Runs work on a pool, no more than so many at a time. Those that come later wait in order.
 *
 * @param pool - what is shared
 * @param most - how many at a time
 * @param work - what to run
 */
export async function limitConcurrency<T>(pool: object, most: number, work: () => Promise<T>): Promise<T> {
  const turns = turnsOf.get(pool) ?? { running: 0, waiting: [] };
  turnsOf.set(pool, turns);
  if (turns.running < most) turns.running += 1;
  else await new Promise<void>((resolve) => void turns.waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = turns.waiting.shift();
    // a turn is handed on, so that nobody can come in between
    if (next) next();
    else turns.running -= 1;
  }
}
