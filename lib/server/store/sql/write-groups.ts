/** A write that is executed in a group. */
export interface GroupedWrite {
  /** Writes of one transaction are executed one after the other, in their order. */
  readonly gid: string;
  /** Writes in a group are of one kind. */
  readonly kind: string;
  /** Estimated bytes. */
  readonly size: number;
}

interface PendingWrite<W> {
  readonly write: W;
  readonly complete: (result: PromiseSettledResult<unknown>) => void;
}

const MAX_WRITES = 128;

/** Maximum number of groups at a time: more would only be smaller. */
const MAX_GROUPS = 4;

/** Keeps a group well below MySQL's default packet size. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Lets concurrent writes share a statement, a round trip and a commit. While few groups are running, a write starts at once;
 * under load, groups grow.
 */
export class WriteGroups<W extends GroupedWrite> {
  readonly #run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>;
  readonly #maxGroups: number;
  /** Writes that can start, by kind; only the first of each transaction. */
  readonly #ready = new Map<string, PendingWrite<W>[]>();
  /** Unanswered writes of each transaction, in order. */
  readonly #queues = new Map<string, PendingWrite<W>[]>();
  #running = 0;
  #isScheduled = false;
  #onEmpty: (() => void)[] = [];

  /**
   * @param run - executes a group; returns a result for each write, in order, and does not throw
   * @param maxConnections - connections of the pool; one stays free for other statements
   */
  constructor(run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>, maxConnections: number) {
    this.#run = run;
    this.#maxGroups = Math.max(1, Math.min(MAX_GROUPS, maxConnections - 1));
  }

  /**
   * Executes a write in the next group that has room.
   *
   * @returns the result of the write
   */
  add<T>(write: W): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const complete = (result: PromiseSettledResult<unknown>): void =>
        result.status === 'fulfilled' ? resolve(result.value as T) : reject(result.reason as Error);
      const pending = { write, complete };
      const queue = this.#queues.get(write.gid);
      if (queue) {
        queue.push(pending);
        return;
      }
      this.#queues.set(write.gid, [pending]);
      this.#makeReady(pending);
    });
  }

  /** Waits until every write is answered. */
  async drain(): Promise<void> {
    if (this.#queues.size > 0) await new Promise<void>((resolve) => void this.#onEmpty.push(resolve));
  }

  #makeReady(pending: PendingWrite<W>): void {
    const { kind } = pending.write;
    const ready = this.#ready.get(kind);
    if (ready) ready.push(pending);
    else this.#ready.set(kind, [pending]);
    if (this.#isScheduled || this.#running >= this.#maxGroups) return;
    this.#isScheduled = true;
    // after the I/O events of this iteration of the event loop, so that writes that arrived together share a group
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startGroups();
    });
  }

  #startGroups(): void {
    while (this.#running < this.#maxGroups && this.#ready.size > 0) {
      this.#running++;
      void this.#write(this.#nextGroup());
    }
  }

  /** Serves the kinds in rotation. */
  #nextGroup(): PendingWrite<W>[] {
    const [kind, ready] = this.#ready.entries().next().value!;
    let size = 0;
    let count = 0;
    while (count < ready.length && count < MAX_WRITES) {
      size += ready[count]!.write.size;
      if (count > 0 && size > MAX_BYTES) break;
      count++;
    }
    const group = ready.splice(0, count);
    this.#ready.delete(kind);
    if (ready.length > 0) this.#ready.set(kind, ready);
    return group;
  }

  async #write(group: readonly PendingWrite<W>[]): Promise<void> {
    const results = await this.#run(group.map(({ write }) => write));
    this.#running--;
    for (const [index, { write, complete }] of group.entries()) {
      this.#dequeue(write.gid);
      complete(results[index]!);
    }
    this.#startGroups();
    if (this.#queues.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #dequeue(gid: string): void {
    const queue = this.#queues.get(gid)!;
    queue.shift();
    const next = queue[0];
    if (next) this.#makeReady(next);
    else this.#queues.delete(gid);
  }
}
