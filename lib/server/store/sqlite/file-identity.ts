import { realpathSync, statSync } from 'node:fs';
import { DtmStoreError } from '../../../protocol/internal.js';

/** Milliseconds between two looks at the file: a look costs as much as a tenth of a commit. */
const CHECK_INTERVAL_MS = 1000;

/**
 * The file of an open store and its log. SQLite keeps writing into files that were removed or replaced, and all that it
 * writes is lost at the end of the process.
 */
export class FileIdentity {
  /** Path of the log. */
  readonly log: string;
  readonly #file: string;
  readonly #fileId: string | undefined;
  #logId: string | undefined;
  readonly #now: () => number;
  #nextCheck = 0;

  /**
   * @param path - path of the file, which exists
   * @param now - milliseconds of a clock that never goes back
   */
  constructor(path: string, now: () => number = () => performance.now()) {
    // the process can change its folder later
    this.#file = realpathSync(path);
    this.#now = now;
    this.log = `${this.#file}-wal`;
    this.#fileId = idOf(this.#file);
  }

  /**
   * Checks that the path still leads to the open files, at most once a second while it does.
   *
   * @throws DtmStoreError when it does not; without the path, because callers read the message
   */
  assertInPlace(): void {
    const now = this.#now();
    if (now < this.#nextCheck) return;
    // the log appears with the first write
    this.#logId ??= idOf(this.log);
    const isFileThere = idOf(this.#file) === this.#fileId;
    if (isFileThere && idOf(this.log) === this.#logId) {
      if (this.#logId !== undefined) this.#nextCheck = now + CHECK_INTERVAL_MS;
      return;
    }
    throw new DtmStoreError(
      `the ${isFileThere ? 'log (-wal)' : 'file'} of the store was removed or replaced while the store was open; nothing was stored; ` +
        'put the same file back, or stop the coordinator, restore the file with its log from a backup, and start again',
    );
  }
}

/** Device and number of a file; undefined when there is none. */
function idOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
