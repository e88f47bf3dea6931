import { AsyncLocalStorage } from 'node:async_hooks';
import { DtmConfigError } from '../../protocol/internal.js';

/** A turn on a connection; over once `done`, even for code that it left running. */
interface Turn {
  readonly connection: object;
  readonly outer: Turn | undefined;
  done: boolean;
}

// keyed by the user's own object and not by the adapter: an adapter may be made anew for each request
const lastTurns = new WeakMap<object, Promise<void>>();
const currentTurn = new AsyncLocalStorage<Turn>();

/**
 * Runs work that needs a single connection for itself, after everybody who asked before.
 *
 * @param connection - the object that stands for the connection
 * @param work - what to run
 * @throws DtmConfigError when called from inside other work on the same connection, which would wait for itself
 */
export async function runExclusive<T>(connection: object, work: () => Promise<T>): Promise<T> {
  const outer = currentTurn.getStore();
  for (let turn = outer; turn; turn = turn.outer) {
    if (turn.connection === connection && !turn.done) {
      throw new DtmConfigError(
        'a barrier transaction was opened inside another one on the same single connection, and would wait for ever; ' +
          'use barrier.join with the transaction that is open, or a connection pool',
      );
    }
  }

  const before = lastTurns.get(connection);
  const turn: Turn = { connection, outer, done: false };
  const result = (async () => {
    await before;
    try {
      return await currentTurn.run(turn, work);
    } finally {
      turn.done = true;
    }
  })();
  lastTurns.set(connection, result.then(nothing, nothing));
  return result;
}

function nothing(): void {}
