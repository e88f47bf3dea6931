import { AsyncLocalStorage } from 'node:async_hooks';
import { DtmConfigError, DtmOngoingError } from '../protocol/internal.js';
import { processWide } from '../support/process-wide.js';

/** A running call. The call ends with its work, even for code that the work leaves running. */
interface RunningCall {
  readonly owner: object;
  readonly name: string;
  readonly outer: RunningCall | undefined;
  isOver: boolean;
}

/** The running work of a name, and the work that waits for it. */
interface Queue {
  length: number;
  last: Promise<void>;
}

/**
 * Maximum length of the queue of a name. A coordinator repeats a call that does not answer, at growing intervals, so a
 * longer queue would mean hours of waiting.
 */
const MAX_LENGTH = 32;

const queues = processWide('repetitionQueues', () => new WeakMap<object, Map<string, Queue>>());
const currentCall = processWide('repetitionCall', () => new AsyncLocalStorage<RunningCall>());

/**
 * Runs work after all work of the same name that was started before, so that the repetitions of a branch that waits in the
 * database do not take a connection each.
 *
 * @param owner - the names belong to it
 * @param name - of the work, for messages too
 * @throws DtmOngoingError when too much work of this name waits; DtmConfigError inside the work of the same name, which would
 *   wait for itself
 */
export async function runAfterEarlierCalls<T>(owner: object, name: string, work: () => Promise<T>): Promise<T> {
  const outer = currentCall.getStore();
  const call: RunningCall = { owner, name, outer, isOver: false };
  const run = async (): Promise<T> => {
    try {
      return await currentCall.run(call, work);
    } finally {
      call.isOver = true;
    }
  };

  let isNested = false;
  for (let other = outer; other; other = other.outer) {
    if (other.owner !== owner || other.isOver) continue;
    if (other.name === name) {
      throw new DtmConfigError(
        `barrier.call inside another barrier.call of ${name} would wait for itself; use the same BranchBarrier for both, or barrier.join`,
      );
    }
    isNested = true;
  }
  // two calls that wait for each other would never end; in the database one of them is the victim of a deadlock
  if (isNested) return run();

  const names = queues.get(owner) ?? new Map<string, Queue>();
  queues.set(owner, names);
  const queue = names.get(name) ?? { length: 0, last: Promise.resolve() };
  if (queue.length >= MAX_LENGTH) {
    throw new DtmOngoingError(`${MAX_LENGTH} calls of ${name} are waiting for the first of them; call again later`);
  }
  names.set(name, queue);
  queue.length += 1;
  const before = queue.last;
  const result = (async () => {
    await before;
    try {
      return await run();
    } finally {
      queue.length -= 1;
      if (queue.length === 0) names.delete(name);
    }
  })();
  queue.last = result.then(ignore, ignore);
  return result;
}

function ignore(): void {}
