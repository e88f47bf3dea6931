import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import {
  DtmStoreError,
  type BranchRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/index.js';
import { positionOf } from '../memory-store.js';
import { DEFAULT_PAGE_SIZE, type Expected, type Store } from '../store.js';
import { GroupCommit } from './group-commit.js';
import {
  GLOBAL_COLUMNS,
  branchIn,
  globalValues,
  payloadValue,
  transactionIn,
  type BranchRow,
  type GlobalRow,
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
    return this.#commit((statements) => {
      const result = statements.insertGlobal.run(...globalValues(transaction));
      if (result.changes === 0) return false;
      insertBranches(statements, Number(result.lastInsertRowid), 0, branches);
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
    return this.#commit((statements) => {
      const row = statements.selectGlobal.get(gid) as GlobalRow | undefined;
      if (row?.status !== 'prepared' || row.trans_type !== transType) return 'refused';
      const stored = statements.selectBranches.all(row.id) as BranchRow[];
      const isStored = (branch: BranchRecord): boolean =>
        stored.some(({ branch_id, op }) => branch_id === branch.branchId && op === branch.op);
      if (branches.some(isStored)) return 'duplicate';
      insertBranches(statements, row.id, stored.length, branches);
      return 'added';
    });
  }

  update(
    expected: Expected,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    return this.#commit(({ updateGlobal, updateBranch }) => {
      const owner = expected.owner ?? null;
      const row = updateGlobal.get(...globalValues(transaction), transaction.gid, expected.status, owner, owner) as
        | { id: number }
        | undefined;
      if (!row) return false;
      for (const [position, { status, finishTime, attempts, lastError }] of branches) {
        updateBranch.run(status, finishTime ?? null, attempts ?? null, lastError ?? null, row.id, position);
      }
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
    const conditions = ['id < ?'];
    const values: (string | number)[] = [positionOf(filter.position)];
    const where = (condition: string, value: string | number | undefined): void => {
      if (!value) return;
      conditions.push(condition);
      values.push(value);
    };
    where('gid = ?', filter.gid);
    where('status = ?', filter.status);
    where('trans_type = ?', filter.transType);
    where('create_time >= ?', filter.createTimeStart);
    where('create_time <= ?', filter.createTimeEnd);
    const text = `select * from trans_global where ${conditions.join(' and ')} order by id desc limit ?`;
    const rows = this.#handle.database.prepare(text).all(...values, limit) as GlobalRow[];
    const nextPosition = rows.length < limit ? '' : String(rows.at(-1)?.id ?? '');
    return { transactions: rows.map(transactionIn), nextPosition };
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

function detailsOf(statements: Statements, row: GlobalRow): TransactionDetails {
  const branches = statements.selectBranches.all(row.id) as BranchRow[];
  return { transaction: transactionIn(row), branches: branches.map(branchIn) };
}

function insertBranches(statements: Statements, id: number, offset: number, branches: readonly BranchRecord[]): void {
  for (const [index, branch] of branches.entries()) {
    const { branchId, op, url, payload, status } = branch;
    statements.insertBranch.run(id, offset + index, branchId, op, url, payloadValue(payload), status);
  }
}

function prepare(database: Database.Database) {
  const columns = GLOBAL_COLUMNS.join(', ');
  const values = GLOBAL_COLUMNS.map(() => '?').join(', ');
  const assignments = GLOBAL_COLUMNS.map((column) => `${column} = ?`).join(', ');
  const unfinished = `status in ('prepared', 'submitted', 'aborting')`;
  return {
    insertGlobal: database.prepare(
      `insert into trans_global (${columns}) values (${values}) on conflict (gid) do nothing`,
    ),
    selectGlobal: database.prepare('select * from trans_global where gid = ?'),
    updateGlobal: database.prepare(
      `update trans_global set ${assignments} where gid = ? and status = ? and (? is null or owner = ?) returning id`,
    ),
    selectDue: database.prepare(
      `select * from trans_global where ${unfinished} and next_cron_time <= ? order by next_cron_time limit ?`,
    ),
    claim: database.prepare('update trans_global set owner = ?, next_cron_time = ? where id = ?'),
    release: database.prepare(
      `update trans_global set owner = null, next_cron_time = 0 where ${unfinished} and owner is not null`,
    ),
    insertBranch: database.prepare(
      'insert into trans_branch_op (trans_id, position, branch_id, op, url, payload, status) values (?, ?, ?, ?, ?, ?, ?)',
    ),
    selectBranches: database.prepare('select * from trans_branch_op where trans_id = ? order by position'),
    updateBranch: database.prepare(
      'update trans_branch_op set status = ?, finish_time = ?, attempts = ?, last_error = ? where trans_id = ? and position = ?',
    ),
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
