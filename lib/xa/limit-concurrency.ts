import { useConnection } from '../barrier/use-connection.js';
import { processWide } from '../support/process-wide.js';

/** The running and the waiting work of a pool. */
interface Semaphore {
  running: number;
  readonly waiting: (() => void)[];
}

// keyed by the pool of the user: a handler can create the adapter anew for each request
const semaphores = processWide('semaphores', () => new WeakMap<object, Semaphore>());

/**
 * Runs work on a pool, with a limit for the work that runs at the same time. Further work waits in order.
 *
 * @param limit - maximum number of running work
 * @throws DtmConfigError inside other work on the pool, when all of it waits for such inner work
 */
export async function limitConcurrency<T>(pool: object, limit: number, work: () => Promise<T>): Promise<T> {
  const semaphore = semaphores.get(pool) ?? { running: 0, waiting: [] };
  semaphores.set(pool, semaphore);
  return useConnection({ key: semaphore, connections: limit }, 'xa.call', async (run) => {
    if (semaphore.running < limit) semaphore.running += 1;
    else await new Promise<void>((resolve) => void semaphore.waiting.push(resolve));
    try {
      return await run(work);
    } finally {
      const next = semaphore.waiting.shift();
      // the slot goes to the next work directly, so that no later work can take it
      if (next) next();
      else semaphore.running -= 1;
    }
  });
}
