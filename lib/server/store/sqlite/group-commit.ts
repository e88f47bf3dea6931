import type Database from 'libsql';
import { DtmStoreError, errorText } from '../../../protocol/internal.js';

interface PendingWrite {
  readonly write: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Turns of the event loop that the first write of a group waits at most. */
const MAX_EVENT_LOOP_TURNS = 4;

/**
 * Lets writes that arrive together share one database transaction, and so one fsync. A write is answered after the
 * commit that holds it; when the commit fails all its writes are refused, and none of them is stored. A write that
 * throws is refused alone: the others are written again without it.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  #pending: PendingWrite[] = [];
  #scheduled: Promise<void> | undefined;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /**
   * Runs a write in the next group.
   *
   * @param write - statements on the database; run again when another one of its group throws
   * @returns what the write returned, once it is durable
   * @throws DtmStoreError when the database refuses
   */
  run<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ write, resolve, reject });
      this.#scheduled ??= new Promise((done) => this.#flushSoon(1, done));
    });
  }

  /** After the I/O events of this turn, and of a few more as long as each brings others: a flush costs more than they do. */
  #flushSoon(turn: number, done: () => void): void {
    const { length } = this.#pending;
    setImmediate(() => {
      if (this.#pending.length > length && turn < MAX_EVENT_LOOP_TURNS) return this.#flushSoon(turn + 1, done);
      this.#flush();
      done();
    });
  }

  /** Waits for the writes that are under way. */
  async drain(): Promise<void> {
    while (this.#scheduled) await this.#scheduled;
  }

  #flush(): void {
    const group = this.#pending;
    this.#pending = [];
    this.#scheduled = undefined;
    this.#write(group);
  }

  #write(group: readonly PendingWrite[]): void {
    let results: unknown[];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      results = group.map(({ write }) => write());
    } catch (cause) {
      this.#rollBack();
      if (group.length === 1) return rejectAll(group, cause);
      for (const waiting of group) this.#write([waiting]);
      return;
    }
    try {
      this.#database.exec('COMMIT');
    } catch (cause) {
      this.#rollBack();
      this.#overwrite();
      return rejectAll(group, cause);
    }
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as never);
  }

  #rollBack(): void {
    try {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // the disk is gone, and the transaction with it: what the next group meets is reported there
    }
  }

  /**
   * A commit that could not be flushed stands in the log all the same, and would count after a crash: something that
   * changes nothing is written in its place. No matter whether that can be flushed.
   */
  #overwrite(): void {
    try {
      const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number };
      this.#database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; COMMIT`);
    } catch {
      this.#rollBack();
    }
  }
}

function rejectAll(group: readonly PendingWrite[], cause: unknown): void {
  const reason = errorText(cause);
  const error = new DtmStoreError(`the store could not write (${reason}); nothing of it was kept, try again`, {
    cause,
  });
  for (const { reject } of group) reject(error);
}
