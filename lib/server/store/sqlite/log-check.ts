import { closeSync, copyFileSync, existsSync, openSync, realpathSync, renameSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type Database from 'libsql';
import { DtmStoreError } from '../../../protocol/internal.js';
import { hasDamagedCommits, hasFrame, readLogHeader, type LogHeader } from './log-file.js';

/** Row of the table log_mark. */
interface Mark {
  readonly expected: number;
  readonly applied: number;
  readonly frames: number;
}

/** Why acknowledged writes of a log are lost. */
interface Loss {
  readonly reason: string;
  /** What is left of the log: nothing, nothing that belongs to the file, or commits up to the damage. */
  readonly log: 'missing' | 'useless' | 'damaged';
}

/**
 * Checks that nothing acknowledged would be lost when SQLite opens a file with its log. SQLite says nothing about a missing
 * log, and drops what it cannot read of a damaged one. Neither file is changed.
 *
 * @param Library - constructor of libsql
 * @param path - the file of the store, which may be missing
 * @param acceptLoss - sets the log aside instead of refusing it
 * @throws DtmStoreError that says how to go on
 */
export function assertLogComplete(Library: typeof Database, path: string, acceptLoss: boolean): void {
  const isThere = existsSync(path);
  const file = isThere ? realpathSync(path) : path;
  const log = `${file}-wal`;
  const hasLog = existsSync(log) && statSync(log).size > 0;
  if (!isThere || statSync(file).size === 0) {
    if (!hasLog) return;
    throw new DtmStoreError(
      `store file ${path} is ${isThere ? 'empty' : 'missing'}, but its log ${log} is not; restore both from a backup, or move the log away to start with an empty store`,
    );
  }
  const before = modificationOf(file, log);
  const loss = findLoss(Library, file, hasLog ? log : undefined);
  if (!loss) return;
  if (modificationOf(file, log) !== before) {
    throw new DtmStoreError(
      `store file ${path} is in use by another process: only one coordinator can open a store; stop the other process or use another path`,
    );
  }
  if (!acceptLoss) {
    throw new DtmStoreError(
      `store file ${path} is damaged (the log ${log} ${loss.reason}): transactions that only the log contains are lost; ` +
        'restore it with its -wal file from a backup, or set acceptLoss (Store.AcceptLoss: 1) for one start to go on without them',
    );
  }
  const aside = `${log}.${Date.now()}`;
  if (loss.log === 'useless') renameSync(log, aside);
  else if (loss.log === 'damaged') copyFileSync(log, aside);
}

function findLoss(Library: typeof Database, file: string, log: string | undefined): Loss | undefined {
  const mark = readMark(Library, file);
  const isLogNeeded = mark && mark.expected !== mark.applied;
  const missing: Loss | undefined = isLogNeeded ? { reason: 'is missing', log: 'missing' } : undefined;
  if (log === undefined) return missing;
  const fd = openSync(log, 'r');
  try {
    const header = readLogHeader(fd);
    if (header === undefined) return missing;
    if (header === 'damaged') return { reason: 'cannot be read', log: 'useless' };
    if (isLogNeeded && !isExpected(fd, header, mark)) {
      return { reason: 'belongs to another file, or to another time', log: 'useless' };
    }
    return hasDamagedCommits(fd, header) ? { reason: 'is damaged in the middle', log: 'damaged' } : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Until a new log has its first commit, the whole of the log before is there. */
function isExpected(fd: number, header: LogHeader, { expected, frames }: Mark): boolean {
  return header.salt === expected || ((header.salt + 1) >>> 0 === expected && hasFrame(fd, header, frames));
}

/** The mark as it is in the file, without the log. */
function readMark(Library: typeof Database, file: string): Mark | undefined {
  let database: Database.Database | undefined;
  try {
    // without the log, without locks, and without a close of the file that would release the locks of this process
    database = new Library(`${pathToFileURL(file).href}?immutable=1`);
    return database.prepare('select expected, applied, frames from log_mark').get() as Mark | undefined;
  } catch {
    // an older store, or no store at all, which the opening of the file finds
    return undefined;
  } finally {
    database?.close();
  }
}

/** Changes when another process writes. */
function modificationOf(...paths: readonly string[]): string {
  return paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs).join();
}
