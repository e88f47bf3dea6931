import { realpathSync, statSync } from 'node:fs';
import { DtmStoreError } from '../../../protocol/internal.js';

/**
 * The file of an open store and its log. SQLite keeps writing into files that were removed or replaced, and all that it
 * writes is lost at the end of the process.
 */
export class FileIdentity {
  readonly #file: string;
  readonly #fileId: string | undefined;
  readonly #log: string;
  #logId: string | undefined;

  /** @param path - path of the file, which exists */
  constructor(path: string) {
    // the process can change its folder later
    this.#file = realpathSync(path);
    this.#log = `${this.#file}-wal`;
    this.#fileId = idOf(this.#file);
  }

  /**
   * Checks that the path still leads to the open files. It costs microseconds.
   *
   * @throws DtmStoreError when it does not; without the path, because callers read the message
   */
  assertInPlace(): void {
    // the log appears with the first write
    this.#logId ??= idOf(this.#log);
    const isFileThere = idOf(this.#file) === this.#fileId;
    if (isFileThere && idOf(this.#log) === this.#logId) return;
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
