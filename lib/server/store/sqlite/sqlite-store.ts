import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import {
  DtmStoreError,
  type BranchRecord,
  type KvPage,
  type KvRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/index.js';
import { positionOf } from '../memory-store.js';
import { DEFAULT_PAGE_SIZE, type Expected, type KvFilter, type Pruned, type Store, type WakeFilter } from '../store.js';
import { isWaitingFor } from '../targets.js';
import { GroupCommit } from './group-commit.js';
import {
  CHANGING_COLUMNS,
  branchesIn,
  branchesText,
  changingValues,
  hasChunks,
  kvIn,
  progressIn,
  progressTexts,
  transactionIn,
  withProgress,
  type GlobalRow,
  type KvRow,
} from './rows.js';
import { SCHEMA, SCHEMA_VERSION } from './schema.js';

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** File that holds everything; made, with its folder, when it does not exist. @default './.dtm/dtm.db' */
  readonly path?: string | undefined;
}

/**
 * A durable store in one SQLite file. Each write is fsynced before it is acknowledged; writes that come together share
 * one fsync. One process at a time: a second one is refused.
 *
 * @param options - where the file is
 */
export function sqliteStore(options: SqliteStoreOptions = {}): Store {
  return new SqliteStore(options.path ?? './.dtm/dtm.db');
}

/** Pages of 4 KiB in the write-ahead log before they are copied to the file: it stays at some 32 MiB. */
const LOG_PAGES = 8000;

/** Most memory for pages of the file. */
const CACHE_KIB = 32 * 1024;

type Statements = ReturnType<typeof prepare>;

interface OpenDatabase {
  readonly database: Database.Database;
  readonly statements: Statements;
  readonly commits: GroupCommit;
}

class SqliteStore implements Store {
  readonly name: string;
  readonly #path: string;
  #open: OpenDatabase | undefined;

  constructor(path: string) {
    this.#path = path;
    this.name = `sqlite ${path}`;
  }

  async open(): Promise<void> {
    if (this.#open) return;
    const database = openDatabase(this.#path);
    try {
      this.#open = { database, statements: prepare(database), commits: new GroupCommit(database) };
      // the file is ours alone: whoever held a lease is gone
      await this.#commit(({ release }) => release.run());
    } catch (error) {
      this.#open = undefined;
      closeDatabase(database);
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    // first, so that no write comes in behind the last one
    this.#open = undefined;
    await open?.commits.drain();
    if (open) closeDatabase(open.database);
  }

  create({ transaction, branches }: TransactionDetails): Promise<boolean> {
    const { gid, transType, createTime } = transaction;
    const values = [gid, transType, createTime, ...changingValues(transaction)];
    const text = branchesText(branches);
    return this.#commit(({ insertGlobal, insertBranches }) => {
      const { changes, lastInsertRowid } = insertGlobal.run(...values);
      if (changes === 0) return false;
      if (branches.length > 0) insertBranches.run(Number(lastInsertRowid), 0, text);
      return true;
    });
  }

  async find(gid: string): Promise<TransactionDetails | undefined> {
    const { statements } = this.#handle;
    const row = statements.selectGlobal.get(gid) as GlobalRow | undefined;
    return row && detailsOf(statements, row);
  }

  addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
  ): Promise<'added' | 'refused' | 'duplicate'> {
    const text = branchesText(branches);
    return this.#commit((statements) => {
      const row = statements.selectGlobal.get(gid) as GlobalRow | undefined;
      if (row?.status !== 'prepared' || row.trans_type !== transType) return 'refused';
      const stored = registeredBranches(statements, row.id);
      const isStored = ({ branchId, op }: BranchRecord): boolean =>
        stored.some((branch) => branch.branchId === branchId && branch.op === op);
      if (branches.some(isStored)) return 'duplicate';
      statements.insertBranches.run(row.id, stored.length, text);
      return 'added';
    });
  }

  update(
    expected: Expected,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const owner = expected.owner ?? null;
    const { 0: first = '{}', ...later } = Object.fromEntries(progressTexts(branches)) as Record<number, string>;
    const values = [...changingValues(transaction), first, transaction.gid, expected.status, owner, owner];
    return this.#commit(({ updateGlobal, upsertProgress }) => {
      if (updateGlobal.run(...values).changes === 0) return false;
      for (const [chunk, text] of Object.entries(later)) upsertProgress.run(transaction.gid, Number(chunk), text);
      return true;
    });
  }

  claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
  ): Promise<TransactionDetails[]> {
    return this.#commit((statements) => {
      const rows = statements.selectDue.all(now, limit) as GlobalRow[];
      return rows.map((row) => {
        const details = detailsOf(statements, row);
        const transaction = { ...details.transaction, owner, nextCronTime: lease(details.transaction) };
        statements.claim.run(owner, transaction.nextCronTime, row.id);
        return { ...details, transaction };
      });
    });
  }

  async list(filter: TransactionFilter): Promise<TransactionPage> {
    const limit = filter.limit ?? DEFAULT_PAGE_SIZE;
    const { where, values } = listWhere({
      'id < ?': positionOf(filter.position),
      'gid = ?': filter.gid,
      'status = ?': filter.status,
      'trans_type = ?': filter.transType,
      'create_time >= ?': filter.createTimeStart,
      'create_time <= ?': filter.createTimeEnd,
    });
    const attention = filter.attention ? 'and attention is not null' : '';
    const text = `select * from trans_global where ${where} ${attention} order by id desc limit ?`;
    const rows = this.#handle.database.prepare(text).all(...values, limit) as GlobalRow[];
    const nextPosition = rows.length < limit ? '' : String(rows.at(-1)?.id ?? '');
    return { transactions: rows.map(transactionIn), nextPosition };
  }

  wake(now: number, { gid, target, laterThan, limit }: WakeFilter): Promise<number> {
    return this.#commit((statements) => {
      const only = gid ?? null;
      const mentioned = target ?? null;
      const asleep = statements.selectAsleep.iterate(laterThan, only, only, mentioned, mentioned, mentioned);
      const ids: number[] = [];
      for (const row of asleep as Iterable<GlobalRow>) {
        if (target === undefined || isWaitingFor(detailsOf(statements, row), target)) ids.push(row.id);
        if (ids.length >= limit) break;
      }
      for (const id of ids) statements.wake.run(now, id);
      return ids.length;
    });
  }

  prune(before: number, position: string, limit: number): Promise<Pruned> {
    const above = position ? positionOf(position) : 0;
    return this.#commit((statements) => {
      const rows = statements.selectOldest.all(above, limit) as Pick<
        GlobalRow,
        'id' | 'create_time' | 'update_time' | 'due_time'
      >[];
      const newer = rows.findIndex((row) => row.create_time >= before);
      const looked = newer < 0 ? rows : rows.slice(0, newer);
      const old = looked.filter((row) => row.due_time === null && row.update_time < before);
      for (const { id } of old) {
        statements.deleteProgress.run(id);
        statements.deleteBranches.run(id);
        statements.deleteGlobal.run(id);
      }
      return { count: old.length, nextPosition: looked.length < limit ? '' : String(looked.at(-1)?.id ?? '') };
    });
  }

  async getKv(category: string, key: string): Promise<KvRecord | undefined> {
    const row = this.#handle.statements.selectKv.get(category, key) as KvRow | undefined;
    return row && kvIn(row);
  }

  putKv({ category, key, value, version, createTime, updateTime }: KvRecord): Promise<boolean> {
    return this.#commit(({ insertKv, updateKv }) => {
      const { changes } =
        version === 1
          ? insertKv.run(category, key, value, createTime, updateTime)
          : updateKv.run(value, version, updateTime, category, key, version - 1);
      return changes === 1;
    });
  }

  deleteKv(category: string, key: string): Promise<boolean> {
    return this.#commit(({ deleteKv }) => deleteKv.run(category, key).changes === 1);
  }

  async listKv({ category, key, position, limit = DEFAULT_PAGE_SIZE }: KvFilter): Promise<KvPage> {
    const above = position ? positionOf(position) : undefined;
    const { where, values } = listWhere({ 'id > ?': above, 'cat = ?': category, 'k = ?': key });
    const text = `select * from kv where ${where} order by id limit ?`;
    const rows = this.#handle.database.prepare(text).all(...values, limit) as KvRow[];
    return { records: rows.map(kvIn), nextPosition: rows.length < limit ? '' : String(rows.at(-1)?.id ?? '') };
  }

  get #handle(): OpenDatabase {
    if (!this.#open)
      throw new DtmStoreError(`${this.name} is closed; the coordinator is stopped, or was never started`);
    return this.#open;
  }

  async #commit<T>(write: (statements: Statements) => T): Promise<T> {
    const { commits, statements } = this.#handle;
    return commits.run(() => write(statements));
  }
}

function listWhere(conditions: Readonly<Record<string, string | number | undefined>>): {
  where: string;
  values: (string | number)[];
} {
  const given = Object.entries(conditions).filter((entry): entry is [string, string | number] => Boolean(entry[1]));
  return {
    where: given.map(([condition]) => condition).join(' and ') || 'true',
    values: given.map(([, value]) => value),
  };
}

function detailsOf(statements: Statements, row: GlobalRow): TransactionDetails {
  const branches = registeredBranches(statements, row.id);
  const texts = [row.progress];
  if (hasChunks(branches.length)) {
    for (const { progress } of statements.selectProgress.all(row.id) as { progress: string }[]) texts.push(progress);
  }
  const progress = progressIn(texts);
  return {
    transaction: transactionIn(row),
    branches: branches.map((branch, position) => withProgress(branch, progress[position])),
  };
}

/** As they were registered, without what became of them. */
function registeredBranches(statements: Statements, id: number): BranchRecord[] {
  const rows = statements.selectBranches.all(id) as { branches: string }[];
  return rows.flatMap(({ branches }) => branchesIn(branches));
}

function prepare(database: Database.Database) {
  const columns = CHANGING_COLUMNS.join(', ');
  const values = CHANGING_COLUMNS.map(() => '?').join(', ');
  const assignments = CHANGING_COLUMNS.map((column) => `${column} = ?`).join(', ');
  return {
    insertGlobal: database.prepare(
      `insert into trans_global (gid, trans_type, create_time, ${columns}) values (?, ?, ?, ${values})
       on conflict (gid) do nothing`,
    ),
    selectGlobal: database.prepare('select * from trans_global where gid = ?'),
    updateGlobal: database.prepare(
      `update trans_global set ${assignments}, progress = json_patch(progress, ?)
       where gid = ? and status = ? and (? is null or owner = ?)`,
    ),
    upsertProgress: database.prepare(
      `insert into trans_progress (trans_id, chunk, progress) values ((select id from trans_global where gid = ?), ?, ?)
       on conflict (trans_id, chunk) do update set progress = json_patch(progress, excluded.progress)`,
    ),
    selectProgress: database.prepare('select progress from trans_progress where trans_id = ? order by chunk'),
    insertBranches: database.prepare('insert into trans_branch (trans_id, position, branches) values (?, ?, ?)'),
    selectBranches: database.prepare('select branches from trans_branch where trans_id = ? order by position'),
    selectDue: database.prepare(
      'select * from trans_global where due_time is not null and due_time <= ? order by due_time limit ?',
    ),
    claim: database.prepare('update trans_global set owner = ?, due_time = ? where id = ?'),
    release: database.prepare(
      'update trans_global set owner = null, due_time = 0 where due_time is not null and owner is not null',
    ),
    selectAsleep: database.prepare(
      `select * from trans_global as t
       where due_time is not null and owner is null and due_time > ? and (? is null or gid = ?)
         and (? is null or instr(record, ?) > 0
              or exists (select 1 from trans_branch where trans_id = t.id and instr(branches, ?) > 0))
       order by due_time`,
    ),
    wake: database.prepare('update trans_global set due_time = ? where id = ?'),
    selectOldest: database.prepare(
      'select id, create_time, update_time, due_time from trans_global where id > ? order by id limit ?',
    ),
    deleteGlobal: database.prepare('delete from trans_global where id = ?'),
    deleteBranches: database.prepare('delete from trans_branch where trans_id = ?'),
    deleteProgress: database.prepare('delete from trans_progress where trans_id = ?'),
    selectKv: database.prepare('select * from kv where cat = ? and k = ?'),
    insertKv: database.prepare(
      'insert into kv (cat, k, v, version, create_time, update_time) values (?, ?, ?, 1, ?, ?) on conflict do nothing',
    ),
    updateKv: database.prepare(
      'update kv set v = ?, version = ?, update_time = ? where cat = ? and k = ? and version = ?',
    ),
    deleteKv: database.prepare('delete from kv where cat = ? and k = ?'),
  };
}

function openDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new Database(path);
    database.exec('pragma locking_mode = exclusive');
    // takes the lock now rather than at the first write
    database.exec('begin exclusive; commit');
    const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
    if (version > SCHEMA_VERSION) {
      throw new DtmStoreError(
        `store file ${path} has layout ${version}, this version knows ${SCHEMA_VERSION}; use the newer nestjs-dtm`,
      );
    }
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    // pages that many transactions touch are copied from the log to the file once for all of them
    database.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}; pragma cache_size = -${CACHE_KIB}`);
    if (version === 0) database.exec(`begin; ${SCHEMA}; pragma user_version = ${SCHEMA_VERSION}; commit`);
    return database;
  } catch (cause) {
    if (database) closeDatabase(database);
    if (cause instanceof DtmStoreError) throw cause;
    throw new DtmStoreError(openFailure(path, cause), { cause });
  }
}

/**
 * Closes the file and lets go of its lock at once: the driver's own close does so only when the garbage collector has
 * found the last prepared statement, and a lock can be given back only outside of WAL.
 */
function closeDatabase(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('rollback');
    database.exec('pragma journal_mode = delete');
    database.exec('pragma locking_mode = normal');
    database.exec('select 1 from sqlite_master');
  } catch {
    // a file that cannot be written stays as it is; the next to open it recovers it
  }
  database.close();
}

function openFailure(path: string, cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === 'SQLITE_BUSY') {
    return `store file ${path} is in use by another process; a store belongs to one coordinator, stop the other or name another path`;
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return `store file ${path} is damaged or not a store; restore it with its -wal file from a backup, or name another path`;
  }
  return `store file ${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`;
}
