import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { DtmStoreError, errorText } from '../../../protocol/internal.js';
import { isLogDamaged } from './log-header.js';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.js';

/** Pages of 4 KiB in the write-ahead log before they are copied to the file: it stays at some 32 MiB. */
const MAX_LOG_PAGES = 8000;

/** Most memory for pages of the file. */
const CACHE_KIB = 32 * 1024;

/** A transaction that the coordinator still has to work on, and could not read. */
const UNREADABLE = `
  select gid from trans_global as t
  where due_time is not null
    and (not json_valid(record) or not json_valid(progress)
         or exists (select 1 from trans_branch where trans_id = t.id and not json_valid(branches))
         or exists (select 1 from trans_progress where trans_id = t.id and not json_valid(progress)))
  limit 1`;

/**
 * Opens the file of a store for this process alone; makes it when there is none. A file that is refused stays as it is.
 *
 * @param path - of the file
 * @param isChecked - whether all of it is read, to find damage before anything is built on it
 * @throws DtmStoreError when it is in use, damaged, not a store, or of a newer layout
 */
export function openDatabase(path: string, isChecked: boolean): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    assertLogUsable(path);
    database = new Database(path);
    database.exec('pragma locking_mode = exclusive');
    // takes the lock now rather than at the first write
    database.exec('begin exclusive; commit');
    const isNew = identify(database, path) === 'new';
    // before there is a log, so that the file itself always tells what it is
    if (isNew) {
      const identity = `pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION}`;
      database.exec(`begin; ${SCHEMA}; ${identity}; commit`);
    } else if (isChecked) assertContentsReadable(database, path);
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    // pages that many transactions touch are copied from the log to the file once for all of them
    database.exec(`pragma wal_autocheckpoint = ${MAX_LOG_PAGES}; pragma cache_size = -${CACHE_KIB}`);
    return database;
  } catch (cause) {
    if (database) unlockAndClose(database);
    if (cause instanceof DtmStoreError) throw cause;
    throw new DtmStoreError(openErrorMessage(path, cause), { cause });
  }
}

/**
 * Closes the file and lets go of its lock at once: the driver's own close does so only when the garbage collector has
 * found the last prepared statement, and a lock can be given back only outside of WAL.
 *
 * @param database - made by {@link openDatabase}
 */
export function closeDatabase(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('rollback');
    database.exec('pragma journal_mode = delete');
  } catch {
    // a file that cannot be written stays as it is; the next to open it recovers it
  }
  unlockAndClose(database);
}

function unlockAndClose(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('rollback');
    database.exec('pragma locking_mode = normal');
    database.exec('select 1 from sqlite_master');
  } catch {
    // as above
  }
  database.close();
}

/** SQLite throws away a log that it cannot make sense of, and with it what was acknowledged. */
function assertLogUsable(path: string): void {
  const isThere = existsSync(path);
  const log = `${isThere ? realpathSync(path) : path}-wal`;
  if (!existsSync(log) || statSync(log).size === 0) return;
  if (!isThere || statSync(path).size === 0) {
    throw new DtmStoreError(
      `store file ${path} is ${isThere ? 'empty' : 'missing'}, but its log ${log} is not; restore both from a backup, or move the log away to begin anew`,
    );
  }
  if (isLogDamaged(log)) throw damagedError(path, `its log ${log} cannot be read`);
}

/** Whose file it is, judged by what it says of itself. */
function identify(database: Database.Database, path: string): 'ours' | 'new' {
  const { application_id: application } = database.prepare('pragma application_id').get() as { application_id: number };
  const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
  const { tables } = database.prepare('select count(*) as tables from sqlite_master').get() as { tables: number };
  if (application === 0 && version === 0 && tables === 0) return 'new';
  if (application !== APPLICATION_ID) {
    throw new DtmStoreError(`store file ${path} is a database of something else; name another path`);
  }
  if (version > SCHEMA_VERSION) {
    throw new DtmStoreError(
      `store file ${path} has layout ${version}, this version knows ${SCHEMA_VERSION}; use the newer nestjs-dtm`,
    );
  }
  return 'ours';
}

function assertContentsReadable(database: Database.Database, path: string): void {
  const [found] = database.prepare('pragma quick_check(1)').all() as { quick_check: string }[];
  // below a line that names the database
  const finding = found?.quick_check.split('\n').at(-1) ?? 'it cannot be checked';
  if (finding !== 'ok') throw damagedError(path, finding);
  const unreadable = database.prepare(UNREADABLE).get() as { gid: string } | undefined;
  if (unreadable) throw damagedError(path, `transaction ${unreadable.gid} cannot be read`);
}

function damagedError(path: string, finding: string): DtmStoreError {
  return new DtmStoreError(
    `store file ${path} is damaged (${finding}); restore it with its -wal file from a backup, or name another path`,
  );
}

function openErrorMessage(path: string, cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === 'SQLITE_BUSY') {
    return `store file ${path} is in use by another process; a store belongs to one coordinator, stop the other or name another path`;
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return `store file ${path} is damaged or not a store; restore it with its -wal file from a backup, or name another path`;
  }
  return `store file ${path} cannot be opened: ${errorText(cause)}`;
}
