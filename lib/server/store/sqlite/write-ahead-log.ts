import { closeSync, openSync } from 'node:fs';
import type Database from 'libsql';
import { DtmStoreError } from '../../../protocol/internal.js';
import { cut, type FileProblem } from './file-identity.js';
import { hasFrame, hasGap, readLogHeader, type LogHeader } from './log-file.js';
import { EMPTY_WRITE, LOG_MARK_TABLE } from './schema.js';

/** Pages of 4 KiB in the log before it is copied to the file: the log stays at about 32 MiB. */
const MAX_LOG_PAGES = 8000;

/** Milliseconds between two looks at the length of the log. */
const CHECK_INTERVAL_MS = 10;

/** Milliseconds after a log that could not be copied, e.g. because the disk is full. */
const RETRY_INTERVAL_MS = 1000;

/**
 * The write-ahead log of an open store, and the mark in the file that tells which log belongs to it. The mark is set in the
 * file before a new log begins, and taken back by the first commit of that log. So a file that is set aside without its log
 * has the mark, and a file that contains all of its log has not, whatever program copied the log.
 *
 * SQLite could also copy the log by itself. The mark would then be missing from the file until it is set again.
 */
export class WriteAheadLog {
  readonly #database: Database.Database;
  readonly #fd: number;
  #header: LogHeader;
  #nextCheck = 0;
  /** Number of a frame that the log has had. */
  #lastFrame = 0;
  #problem: FileProblem | undefined;

  /**
   * @param database - in WAL mode, without `wal_autocheckpoint`
   * @param path - the log
   */
  constructor(database: Database.Database, path: string) {
    this.#database = database;
    database.exec(LOG_MARK_TABLE);
    // the log exists from here on
    database.exec(EMPTY_WRITE);
    this.#fd = openSync(path, 'r');
    try {
      this.#header = this.#readHeader();
      // a crash can leave gaps, which SQLite has dropped
      this.#copy({ canHaveGaps: true });
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Set for good when the log was cut or overwritten. */
  get problem(): FileProblem | undefined {
    return this.#problem;
  }

  /**
   * Copies the log to the file when the log is long. SQLite then begins it again. Costs a few reads of 8 bytes.
   *
   * @throws DtmStoreError when another program has cut or overwritten the log
   */
  keepShort(): void {
    this.#assertWhole();
    const now = performance.now();
    if (now < this.#nextCheck) return;
    this.#nextCheck = now + CHECK_INTERVAL_MS;
    if (this.#lastFrame > 0 && !hasFrame(this.#fd, this.#header, this.#lastFrame)) this.#findCut();
    this.#assertWhole();
    for (let step = 1; hasFrame(this.#fd, this.#header, this.#lastFrame + step); step *= 2) this.#lastFrame += step;
    if (!hasFrame(this.#fd, this.#header, MAX_LOG_PAGES)) return;
    try {
      this.#copy();
    } catch {
      // nothing is lost: the log only grows, and the write that follows reports what is wrong with the disk
      this.#nextCheck = now + RETRY_INTERVAL_MS;
    }
    this.#assertWhole();
  }

  /** Copies the log to the file. The database can then be closed. */
  close(): void {
    try {
      this.#copy();
    } finally {
      this.release();
    }
  }

  /** Leaves the log as it is. */
  release(): void {
    closeSync(this.#fd);
  }

  #findCut(): void {
    const header = readLogHeader(this.#fd);
    if (header === undefined || header === 'damaged') {
      this.#problem = cut('log (-wal)');
      return;
    }
    // SQLite has begun the log again, e.g. when the end of a copy failed
    if (!header.salts.equals(this.#header.salts)) [this.#header, this.#lastFrame] = [header, 0];
    const isFrameThere = this.#lastFrame === 0 || hasFrame(this.#fd, header, this.#lastFrame);
    if (!isFrameThere || hasGap(this.#fd, header)) this.#problem = cut('log (-wal)');
  }

  #assertWhole(): void {
    if (!this.#problem) return;
    throw new DtmStoreError(
      `the ${this.#problem.text} while the store was open; nothing was stored; ` +
        'stop the coordinator, restore the file with its log from a backup, and start again',
    );
  }

  #copy({ canHaveGaps = false } = {}): void {
    const { salt } = this.#header;
    const nextSalt = (salt + 1) >>> 0;
    try {
      this.#database.exec(
        `insert or replace into log_mark (id, expected, applied, frames) values (1, ${nextSalt}, ${salt}, ${this.#countFrames() + 1})`,
      );
      // SQLite copies without a look at the checksums, and would copy the gap
      if (!canHaveGaps) this.#findCut();
      this.#assertWhole();
      this.#database.prepare('pragma wal_checkpoint').get();
    } finally {
      if (!this.#problem) this.#database.exec('update log_mark set applied = expected');
    }
    this.#header = this.#readHeader();
    this.#lastFrame = 0;
  }

  #readHeader(): LogHeader {
    const header = readLogHeader(this.#fd);
    if (header === undefined || header === 'damaged') throw new Error('the log (-wal) cannot be read');
    return header;
  }

  #countFrames(): number {
    let [count, missing] = [0, 1];
    while (hasFrame(this.#fd, this.#header, missing)) [count, missing] = [missing, missing * 2];
    while (missing - count > 1) {
      const middle = (count + missing) >>> 1;
      if (hasFrame(this.#fd, this.#header, middle)) count = middle;
      else missing = middle;
    }
    return count;
  }
}
