/** A write that waits for its group. */
export interface GroupedWrite {
  /** Writes of the same transaction happen one after the other, in the order they came. */
  readonly gid: string;
  /** Only writes of one kind share a group. */
  readonly kind: string;
  /** About how many bytes it is. */
  readonly size: number;
}

interface PendingWrite<W> {
  readonly write: W;
  readonly complete: (result: PromiseSettledResult<unknown>) => void;
}

const MAX_WRITES = 128;

/** Most groups at a time: with more of them the groups only become smaller. */
const MAX_GROUPS = 4;

/** A group stays well below what MySQL takes in one packet. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Lets writes that wait at the same time share a statement, a round trip and a commit. While few groups are
 * under way a write does not wait for others; the more there is to write, the larger groups become.
 */
export class WriteGroups<W extends GroupedWrite> {
  readonly #run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>;
  readonly #maxGroups: number;
  /** Writes that can go, by kind; of each transaction only the first. */
  readonly #ready = new Map<string, PendingWrite<W>[]>();
  /** All writes of a transaction that are not answered yet, in order. */
  readonly #queues = new Map<string, PendingWrite<W>[]>();
  #running = 0;
  #isScheduled = false;
  #onEmpty: (() => void)[] = [];

  /**
   * @param run - writes a group; answers for each of its writes, in order, and does not throw
   * @param maxConnections - how many connections there are; one is left to others
   */
  constructor(run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>, maxConnections: number) {
    this.#run = run;
    this.#maxGroups = Math.max(1, Math.min(MAX_GROUPS, maxConnections - 1));
  }

  /**
   * Puts a write into the next group that has room.
   *
   * @param write - the write
   * @returns what became of it
   */
  add<T>(write: W): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const complete = (result: PromiseSettledResult<unknown>): void =>
        result.status === 'fulfilled' ? resolve(result.value as T) : reject(result.reason as Error);
      const waiting = { write, complete };
      const lane = this.#queues.get(write.gid);
      if (lane) {
        lane.push(waiting);
        return;
      }
      this.#queues.set(write.gid, [waiting]);
      this.#makeReady(waiting);
    });
  }

  /** Waits until everything that was added is answered. */
  async drain(): Promise<void> {
    if (this.#queues.size > 0) await new Promise<void>((resolve) => void this.#onEmpty.push(resolve));
  }

  #makeReady(waiting: PendingWrite<W>): void {
    const { kind } = waiting.write;
    const ready = this.#ready.get(kind);
    if (ready) ready.push(waiting);
    else this.#ready.set(kind, [waiting]);
    if (this.#isScheduled || this.#running >= this.#maxGroups) return;
    this.#isScheduled = true;
    // after the I/O events of this turn: what came in together is written together
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

  /** The kinds take turns: one that was served goes behind the others. */
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
    for (const [index, waiting] of group.entries()) {
      this.#dequeue(waiting.write.gid);
      waiting.complete(results[index]!);
    }
    this.#startGroups();
    if (this.#queues.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #dequeue(gid: string): void {
    const lane = this.#queues.get(gid)!;
    lane.shift();
    const next = lane[0];
    if (next) this.#makeReady(next);
    else this.#queues.delete(gid);
  }
}
