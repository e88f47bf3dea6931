import { realpathSync, statSync } from 'node:fs';
import { DtmStoreError } from '../../../protocol/internal.js';

/** Milliseconds between two looks at the file: a look costs as much as a tenth of a commit. */
const CHECK_INTERVAL_MS = 1000;

/** What has happened to the files of an open store. */
export interface FileProblem {
  /** Which file, and what has happened to it; without the path, because callers read it. */
  readonly text: string;
  /** The open files have all that was acknowledged: the same file put back is enough. */
  readonly isReversible: boolean;
  /** The log that SQLite has open can still be copied to the file. */
  readonly canCopy: boolean;
}

/**
 * The file of an open store and its log. SQLite keeps writing into files that were removed or replaced, and all that it
 * writes is lost at the end of the process. SQLite does not notice either when another program cuts one of them.
 */
export class FileIdentity {
  /** Path of the file, without links. */
  readonly file: string;
  /** Path of the log. */
  readonly log: string;
  readonly #now: () => number;
  #lastFile: Seen | undefined;
  #lastLog: Seen | undefined;
  #nextCheck = 0;

  /**
   * @param path - path of the file, which exists
   * @param now - milliseconds of a clock that never goes back
   */
  constructor(path: string, now: () => number = () => performance.now()) {
    // the process can change its folder later
    this.file = realpathSync(path);
    this.#now = now;
    this.log = `${this.file}-wal`;
    this.#lastFile = see(this.file);
  }

  /**
   * Checks that the path still leads to the open files, and that neither was cut, at most once a second while this is so.
   *
   * @throws DtmStoreError when it is not
   */
  assertInPlace(): void {
    const now = this.#now();
    if (now < this.#nextCheck) return;
    const problem = this.findProblem();
    if (problem) {
      const { text, isReversible } = problem;
      throw new DtmStoreError(
        `the ${text} while the store was open; nothing was stored; ` +
          `${isReversible ? 'put the same file back, or ' : ''}stop the coordinator, restore the file with its log from a backup, and start again`,
      );
    }
    if (this.#lastLog) this.#nextCheck = now + CHECK_INTERVAL_MS;
  }

  /** Looks at both files now. */
  findProblem(): FileProblem | undefined {
    const file = see(this.file);
    const log = see(this.log);
    if (file?.id !== this.#lastFile?.id) return replaced('file', false);
    if (isCut(file, this.#lastFile)) return cut('file');
    // the log appears with the first write
    this.#lastLog ??= log;
    if (log?.id !== this.#lastLog?.id) return replaced('log (-wal)', true);
    if (isCut(log, this.#lastLog)) return cut('log (-wal)');
    [this.#lastFile, this.#lastLog] = [file, log];
    return undefined;
  }
}

interface Seen {
  /** Device and number of the file. */
  readonly id: string;
  readonly size: number;
}

function see(path: string): Seen | undefined {
  try {
    const { dev, ino, size } = statSync(path);
    return { id: `${dev}:${ino}`, size };
  } catch {
    // what cannot be looked at is not in place
    return undefined;
  }
}

/** Neither file ever becomes shorter while the store is open: SQLite begins the log again without cutting it. */
function isCut(now: Seen | undefined, before: Seen | undefined): boolean {
  return now !== undefined && before !== undefined && now.size < before.size;
}

function replaced(name: string, canCopy: boolean): FileProblem {
  return { text: `${name} of the store was removed or replaced`, isReversible: true, canCopy };
}

/** @param name - of the file that was cut, or overwritten in part */
export function cut(name: string): FileProblem {
  return { text: `${name} of the store was cut or overwritten`, isReversible: false, canCopy: false };
}
