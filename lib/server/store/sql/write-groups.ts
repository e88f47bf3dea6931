/** A write that waits for its group. */
export interface GroupedWrite {
  /** Writes of the same transaction happen one after the other, in the order they came. */
  readonly gid: string;
  /** Only writes of one kind share a group. */
  readonly kind: string;
  /** About how many bytes it is. */
  readonly size: number;
}

interface Waiting<W> {
  readonly write: W;
  readonly settle: (result: PromiseSettledResult<unknown>) => void;
}

const MOST_WRITES = 128;

/** Most groups at a time: with more of them the groups only become smaller. */
const MOST_GROUPS = 4;

/** A group stays well below what MySQL takes in one packet. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Lets writes that wait at the same time share a statement, a round trip and a commit. While few groups are
 * under way a write does not wait for others; the more there is to write, the larger groups become.
 */
export class WriteGroups<W extends GroupedWrite> {
  readonly #run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>;
  readonly #mostGroups: number;
  /** Writes that can go, by kind; of each transaction only the first. */
  readonly #ready = new Map<string, Waiting<W>[]>();
  /** All writes of a transaction that are not answered yet, in order. */
  readonly #lanes = new Map<string, Waiting<W>[]>();
  #underWay = 0;
  #isScheduled = false;
  #onEmpty: (() => void)[] = [];

  /**
   * @param run - writes a group; answers for each of its writes, in order, and does not throw
   * @param maxConnections - how many connections there are; one is left to others
   */
  constructor(run: (group: readonly W[]) => Promise<readonly PromiseSettledResult<unknown>[]>, maxConnections: number) {
    this.#run = run;
    this.#mostGroups = Math.max(1, Math.min(MOST_GROUPS, maxConnections - 1));
  }

  /**
   * Puts a write into the next group that has room.
   *
   * @param write - the write
   * @returns what became of it
   */
  add<T>(write: W): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (result: PromiseSettledResult<unknown>): void =>
        result.status === 'fulfilled' ? resolve(result.value as T) : reject(result.reason as Error);
      const waiting = { write, settle };
      const lane = this.#lanes.get(write.gid);
      if (lane) {
        lane.push(waiting);
        return;
      }
      this.#lanes.set(write.gid, [waiting]);
      this.#makeReady(waiting);
    });
  }

  /** Waits until everything that was added is answered. */
  async drain(): Promise<void> {
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => void this.#onEmpty.push(resolve));
  }

  #makeReady(waiting: Waiting<W>): void {
    const { kind } = waiting.write;
    const ready = this.#ready.get(kind);
    if (ready) ready.push(waiting);
    else this.#ready.set(kind, [waiting]);
    if (this.#isScheduled || this.#underWay >= this.#mostGroups) return;
    this.#isScheduled = true;
    // after the I/O events of this turn: what came in together is written together
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startGroups();
    });
  }

  #startGroups(): void {
    while (this.#underWay < this.#mostGroups && this.#ready.size > 0) {
      this.#underWay++;
      void this.#write(this.#nextGroup());
    }
  }

  /** The kinds take turns: one that was served goes behind the others. */
  #nextGroup(): Waiting<W>[] {
    const [kind, ready] = this.#ready.entries().next().value!;
    let size = 0;
    let count = 0;
    while (count < ready.length && count < MOST_WRITES) {
      size += ready[count]!.write.size;
      if (count > 0 && size > MOST_BYTES) break;
      count++;
    }
    const group = ready.splice(0, count);
    this.#ready.delete(kind);
    if (ready.length > 0) this.#ready.set(kind, ready);
    return group;
  }

  async #write(group: readonly Waiting<W>[]): Promise<void> {
    const results = await this.#run(group.map(({ write }) => write));
    this.#underWay--;
    for (const [index, waiting] of group.entries()) {
      this.#leave(waiting.write.gid);
      waiting.settle(results[index]!);
    }
    this.#startGroups();
    if (this.#lanes.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #leave(gid: string): void {
    const lane = this.#lanes.get(gid)!;
    lane.shift();
    const next = lane[0];
    if (next) this.#makeReady(next);
    else this.#lanes.delete(gid);
  }
}
