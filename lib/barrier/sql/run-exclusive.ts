import { AsyncLocalStorage } from 'node:async_hooks';
import { DtmConfigError } from '../../protocol/internal.js';
import { processWide } from '../../support/process-wide.js';

/** Exclusive use of a connection. It ends with its work, even for code that the work leaves running. */
interface ExclusiveUse {
  readonly connection: object;
  readonly outer: ExclusiveUse | undefined;
  isOver: boolean;
}

// keyed by the object of the user: a handler can create the adapter anew for each request
const lastUses = processWide('lastUses', () => new WeakMap<object, Promise<void>>());
const currentUse = processWide('exclusiveUse', () => new AsyncLocalStorage<ExclusiveUse>());

/**
 * Runs work with exclusive use of a connection, after all work that was started before.
 *
 * @param connection - object of the user that identifies the connection
 * @throws DtmConfigError inside other work on the same connection, which would wait for itself
 */
export async function runExclusive<T>(connection: object, work: () => Promise<T>): Promise<T> {
  const outer = currentUse.getStore();
  for (let use = outer; use; use = use.outer) {
    if (use.connection === connection && !use.isOver) {
      throw new DtmConfigError(
        'barrier.call inside another barrier.call on the same single connection would wait forever; ' +
          'use barrier.join with the open transaction, or a connection pool',
      );
    }
  }

  const before = lastUses.get(connection);
  const use: ExclusiveUse = { connection, outer, isOver: false };
  const result = (async () => {
    await before;
    try {
      return await currentUse.run(use, work);
    } finally {
      use.isOver = true;
    }
  })();
  lastUses.set(connection, result.then(ignore, ignore));
  return result;
}

function ignore(): void {}
