import type Database from 'libsql';
import { DtmStoreError, errorText } from '../../../protocol/internal.js';
import { EMPTY_WRITE } from './schema.js';

interface PendingWrite {
  readonly write: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Maximum number of iterations of the event loop that the first write of a group waits. */
const MAX_ITERATIONS = 4;

/** Codes of a file that waiting does not repair. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB)/;

/**
 * Lets writes that arrive together share one database transaction, and so one fsync. A write is answered after the commit
 * that contains it. When the commit fails, all its writes are rejected and none is stored. When a write throws, only that
 * write is rejected: the others are repeated without it.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  #pending: PendingWrite[] = [];
  #scheduled: Promise<void> | undefined;
  #isDamaged = false;
  readonly #beforeGroup: () => void;

  /**
   * @param database - open database
   * @param beforeGroup - called before each group; its DtmStoreError rejects the group
   */
  constructor(database: Database.Database, beforeGroup: () => void = () => undefined) {
    this.#database = database;
    this.#beforeGroup = beforeGroup;
  }

  /**
   * Runs a write in the next group.
   *
   * @param write - runs statements; repeated when another write of the group throws
   * @returns the result of the write, once it is durable
   * @throws DtmStoreError when the database refuses the write
   */
  run<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ write, resolve, reject });
      this.#scheduled ??= new Promise((done) => this.#flushSoon(1, done));
    });
  }

  /**
   * Waits for the I/O events of one iteration, and of a few more as long as each adds writes: waiting costs less than a
   * second flush.
   */
  #flushSoon(iteration: number, done: () => void): void {
    const { length } = this.#pending;
    setImmediate(() => {
      if (this.#pending.length > length && iteration < MAX_ITERATIONS) return this.#flushSoon(iteration + 1, done);
      this.#flush();
      done();
    });
  }

  /** @throws DtmStoreError when a write has found damage */
  assertUndamaged(): void {
    if (!this.#isDamaged) return;
    throw new DtmStoreError(
      'the file of the store is damaged; stop the coordinator, restore the file with its log from a backup, and start again',
    );
  }

  /** Waits for running writes. */
  async drain(): Promise<void> {
    while (this.#scheduled) await this.#scheduled;
  }

  #flush(): void {
    const group = this.#pending;
    this.#pending = [];
    this.#scheduled = undefined;
    try {
      this.#beforeGroup();
    } catch (cause) {
      return this.#rejectAll(group, cause);
    }
    this.#write(group);
  }

  #write(group: readonly PendingWrite[]): void {
    let results: unknown[];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      results = group.map(({ write }) => write());
    } catch (cause) {
      this.#rollBack();
      if (group.length === 1) return this.#rejectAll(group, cause);
      for (const pending of group) this.#write([pending]);
      return;
    }
    try {
      this.#database.exec('COMMIT');
    } catch (cause) {
      this.#rollBack();
      this.#overwrite();
      return this.#rejectAll(group, cause);
    }
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as never);
  }

  #rollBack(): void {
    try {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // a disk error has ended the transaction already; the next group reports the error
    }
  }

  /**
   * A commit whose flush failed is still in the log, and would be replayed after a crash: an empty commit overwrites it,
   * whether or not that can be flushed.
   */
  #overwrite(): void {
    try {
      this.#database.exec(`BEGIN IMMEDIATE; ${EMPTY_WRITE}; COMMIT`);
    } catch {
      this.#rollBack();
    }
  }

  #rejectAll(group: readonly PendingWrite[], cause: unknown): void {
    this.#isDamaged ||= DAMAGE.test(String((cause as { code?: unknown }).code));
    const error =
      cause instanceof DtmStoreError
        ? cause
        : new DtmStoreError(`the store could not write (${errorText(cause)}); nothing was stored, try again`, {
            cause,
          });
    for (const { reject } of group) reject(error);
  }
}
