import { AsyncLocalStorage } from 'node:async_hooks';
import { DtmConfigError } from '../protocol/internal.js';
import { processWide } from '../support/process-wide.js';

/** Connections that an adapter uses. */
export interface ConnectionLimit {
  /** Identifies the pool: the same object in every adapter that uses it. */
  readonly key: object;
  /** Maximum number of connections at a time; `Infinity` when there is no limit. */
  readonly connections: number;
}

/** A connection in use. The use ends with its work, even for code that the work leaves running. */
interface Use {
  readonly key: object;
  readonly outer: Use | undefined;
  isOver: boolean;
  /** Uses inside its work that wait for a connection. */
  waitingInside: number;
}

/** Uses that cannot end before another use gets a connection. */
const blockedUses = processWide('blockedUses', () => new WeakMap<object, Set<Use>>());
const currentUse = processWide('connectionUse', () => new AsyncLocalStorage<Use>());

/**
 * Takes a connection, and refuses to wait for one that never comes: when every connection is in use by work that itself
 * waits for another connection.
 *
 * @param name - of the call that takes the connection, for the message
 * @param open - takes the connection, and runs the work by the function that it receives
 * @throws DtmConfigError instead of waiting forever
 */
export async function useConnection<T>(
  { key, connections }: ConnectionLimit,
  name: string,
  open: (run: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>,
): Promise<T> {
  const use: Use = { key, outer: currentUse.getStore(), isOver: false, waitingInside: 0 };
  const stopWaiting = wait(use, connections, name);
  try {
    return await open((work) => {
      stopWaiting();
      return currentUse.run(use, work);
    });
  } finally {
    stopWaiting();
    use.isOver = true;
  }
}

/** Counts the uses around a use as blocked. @returns ends this */
function wait({ key, outer }: Use, connections: number, name: string): () => void {
  const around: Use[] = [];
  for (let other = outer; other; other = other.outer) if (other.key === key && !other.isOver) around.push(other);
  if (around.length === 0) return () => undefined;

  const blocked = blockedUses.get(key) ?? new Set();
  blockedUses.set(key, blocked);
  for (const other of around) {
    other.waitingInside += 1;
    blocked.add(other);
  }
  const stop = (): void => {
    for (const other of around.splice(0)) {
      other.waitingInside -= 1;
      if (other.waitingInside === 0) blocked.delete(other);
    }
  };
  if (blocked.size < connections) return stop;
  stop();
  throw new DtmConfigError(
    `${name} inside another ${name} on the same pool would wait forever: all ${connections} connections are in use by calls ` +
      'that wait for another connection; use barrier.join with the open transaction, or raise the limit of the pool',
  );
}
