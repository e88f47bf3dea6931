import { closeSync, constants, copyFileSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'libsql';
import { DtmStoreError, errorText } from '../../../protocol/internal.js';
import type { FileIdentity, FileProblem } from './file-identity.js';
import { assertLogComplete } from './log-check.js';
import type { WriteAheadLog } from './write-ahead-log.js';
import { APPLICATION_ID, BRANCH_KEYS, SCHEMA, SCHEMA_VERSION } from './schema.js';

/** Size of the page cache. */
const CACHE_KIB = 32 * 1024;

/** Finds an unfinished transaction that cannot be read. */
const UNREADABLE = `
  select gid from trans_global as t
  where due_time is not null
    and (not json_valid(record) or not json_valid(progress)
         or exists (select 1 from trans_branch where trans_id = t.id and not json_valid(branches))
         or exists (select 1 from trans_progress where trans_id = t.id and not json_valid(progress)))
  limit 1`;

/** Options of {@link openDatabase}. */
export interface DatabaseFileOptions {
  readonly path: string;
  /** Reads the whole file to find damage. */
  readonly checkAtStart: boolean;
  /** Opens the file although its log is missing or damaged. */
  readonly acceptLoss: boolean;
}

/**
 * Opens the file of a store exclusively; creates it when it does not exist. A refused file is not changed.
 *
 * @param Library - constructor of libsql
 * @throws DtmStoreError when the file is in use, damaged, not a store, or has a newer layout, and when its log is missing or
 *   damaged
 */
export function openDatabase(
  Library: typeof Database,
  { path, checkAtStart, acceptLoss }: DatabaseFileOptions,
): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    assertLogComplete(Library, path, acceptLoss);
    createPrivateFile(path);
    database = new Library(path);
    database.exec('pragma locking_mode = exclusive');
    // takes the lock now, not at the first write
    database.exec('begin exclusive; commit');
    const isNew = identify(database, path) === 'new';
    // before the log exists, so that the file itself always contains its identity
    if (isNew) {
      const identity = `pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION}`;
      database.exec(`begin; ${SCHEMA}; ${identity}; commit`);
    } else if (checkAtStart) assertContentsReadable(database, path);
    database.exec(BRANCH_KEYS);
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    // the log is copied to the file by WriteAheadLog
    database.exec(`pragma wal_autocheckpoint = 0; pragma cache_size = -${CACHE_KIB}`);
    return database;
  } catch (cause) {
    if (database) unlockAndClose(database);
    if (cause instanceof DtmStoreError) throw cause;
    throw new DtmStoreError(openErrorMessage(path, cause), { cause });
  }
}

/** Payloads are for the user of the process only. SQLite gives its other files the mode of this one. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Closes the file and releases its lock at once: `close()` of the driver releases it only after garbage collection of the
 * last prepared statement, and SQLite can release the lock only outside of WAL mode.
 *
 * When the file is gone, or when the file or its log was cut, both stay as they are: only the log contains the last writes.
 *
 * @param database - returned by {@link openDatabase}
 * @param log - of the database
 * @param identity - of the database
 * @returns why the log was not copied to the file
 */
export function closeDatabase(
  database: Database.Database,
  log?: WriteAheadLog,
  identity?: FileIdentity,
): FileProblem | undefined {
  let problem = log?.problem ?? identity?.findProblem();
  // the open log is complete without its path
  if (problem?.canCopy) problem = undefined;
  try {
    if (database.inTransaction) database.exec('rollback');
    if (problem) log?.release();
    else {
      log?.close();
      database.exec('pragma journal_mode = delete');
    }
  } catch {
    // a file that cannot be written is recovered when it is opened again
    problem ??= log?.problem;
  }
  if (problem && identity && !problem.isReversible && !takeFromSqlite(identity.file)) return problem;
  unlockAndClose(database);
  return problem;
}

/**
 * Puts a copy in the place of the file. SQLite then neither copies the log into it nor deletes the log, which it otherwise
 * does at the latest when the process ends.
 */
function takeFromSqlite(file: string): boolean {
  const copy = `${file}.copy`;
  try {
    copyFileSync(file, copy, constants.COPYFILE_FICLONE);
    const fd = openSync(copy, 'r+');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(copy, file);
    return true;
  } catch {
    // there is no space for the copy: the file stays open until the process ends
    rmSync(copy, { force: true });
    return false;
  }
}

function unlockAndClose(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('rollback');
    database.exec('pragma locking_mode = normal');
    database.exec('select 1 from sqlite_master');
  } catch {
    // the lock ends with the process
  }
  database.close();
}

/** Reads the identity of a file. */
function identify(database: Database.Database, path: string): 'ours' | 'new' {
  const { application_id: application } = database.prepare('pragma application_id').get() as { application_id: number };
  const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
  const { tables } = database.prepare('select count(*) as tables from sqlite_master').get() as { tables: number };
  if (application === 0 && version === 0 && tables === 0) return 'new';
  if (application !== APPLICATION_ID) {
    throw new DtmStoreError(`store file ${path} is a database of another application; use another path`);
  }
  if (version > SCHEMA_VERSION) {
    throw new DtmStoreError(
      `store file ${path} has layout ${version}, but this version supports up to ${SCHEMA_VERSION}; use a newer version of nestjs-dtm`,
    );
  }
  return 'ours';
}

function assertContentsReadable(database: Database.Database, path: string): void {
  const [found] = database.prepare('pragma quick_check(1)').all() as { quick_check: string }[];
  // the first line only names the database
  const finding = found?.quick_check.split('\n').at(-1) ?? 'the check returned nothing';
  if (finding !== 'ok') throw damagedError(path, finding);
  const unreadable = database.prepare(UNREADABLE).get() as { gid: string } | undefined;
  if (unreadable) throw damagedError(path, `transaction ${unreadable.gid} cannot be read`);
}

function damagedError(path: string, finding: string): DtmStoreError {
  return new DtmStoreError(
    `store file ${path} is damaged (${finding}); restore it with its -wal file from a backup, or use another path`,
  );
}

function openErrorMessage(path: string, cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === 'SQLITE_BUSY') {
    return `store file ${path} is in use by another process: only one coordinator can open a store; stop the other process or use another path`;
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return `store file ${path} is damaged or not a store; restore it with its -wal file from a backup, or use another path`;
  }
  return `store file ${path} cannot be opened: ${errorText(cause)}`;
}
