import type Database from 'libsql';
import {
  DtmError,
  DtmStoreError,
  errorText,
  type BranchRecord,
  type KvPage,
  type KvRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/internal.js';
import { closedError } from '../closed-error.js';
import { parsePosition } from '../page.js';
import type {
  AddBranchesResult,
  BranchLimits,
  ExpectedState,
  KvFilter,
  PruneResult,
  Store,
  UnfinishedCounts,
  WakeBatch,
  WakeFilter,
} from '../store.js';
import { closeDatabase, openDatabase, type DatabaseFileOptions } from './database-file.js';
import { GroupCommit } from './group-commit.js';
import { loadLibsql } from './load-libsql.js';
import { FileIdentity } from './file-identity.js';
import { findFileRisks } from './file-risks.js';
import { findKv, listKv, putKv } from './kv.js';
import { pruneTransactions, wakeTransactions } from './maintenance.js';
import { addBranches } from './registrations.js';
import { encodeBranches, encodeChangingColumns, encodeProgress } from './rows.js';
import { EMPTY_WRITE } from './schema.js';
import { prepareStatements, type Statements } from './statements.js';
import { claimTransactions, countUnfinished, findRecord, findTransaction, listTransactions } from './transactions.js';
import { WriteAheadLog } from './write-ahead-log.js';

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The database file; created, with its folder, when it does not exist. @default './.dtm/dtm.db' */
  readonly path?: string | undefined;
  /**
   * Reads the whole file when the store is opened, to find damage at once; a gigabyte takes about a second. Without this
   * check the store finds damage when it reads the damaged record.
   *
   * @default true
   */
  readonly checkAtStart?: boolean | undefined;
  /**
   * Opens a file whose log (`-wal`) is missing or damaged, without the transactions that only the log contains. The store
   * sets the log aside. Set this option for one start only.
   *
   * @default false
   */
  readonly acceptLoss?: boolean | undefined;
}

/**
 * Stores transactions in one SQLite file. Each write is fsynced before it is acknowledged; concurrent writes share one
 * fsync. Only one process can open the file. A damaged file, a file without its log, and a database of another application
 * is refused.
 *
 * @param options - see {@link SqliteStoreOptions}
 */
export function sqliteStore(options: SqliteStoreOptions = {}): Store {
  const { path = './.dtm/dtm.db', checkAtStart = true, acceptLoss = false } = options;
  return new SqliteStore({ path, checkAtStart, acceptLoss });
}

interface OpenDatabase {
  readonly database: Database.Database;
  readonly statements: Statements;
  readonly commits: GroupCommit;
  readonly log: WriteAheadLog;
  readonly identity: FileIdentity;
}

class SqliteStore implements Store {
  readonly name: string;
  readonly #options: DatabaseFileOptions;
  #open: OpenDatabase | undefined;

  constructor(options: DatabaseFileOptions) {
    this.#options = options;
    this.name = `sqlite ${options.path}`;
  }

  async open(): Promise<void> {
    const Library = await loadLibsql();
    if (this.#open) return;
    const database = openDatabase(Library, this.#options);
    let log: WriteAheadLog | undefined;
    let identity: FileIdentity | undefined;
    try {
      const openIdentity = new FileIdentity(this.#options.path);
      identity = openIdentity;
      const openLog = new WriteAheadLog(database, openIdentity.log);
      log = openLog;
      const commits = new GroupCommit(database, () => {
        openIdentity.assertInPlace();
        openLog.keepShort();
      });
      this.#open = { database, statements: prepareStatements(database), commits, log, identity };
      // only this process has the file open, so no other holder of a lease is alive
      await this.#commit(({ release }) => release.run());
    } catch (error) {
      this.#open = undefined;
      closeDatabase(database, log, identity);
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    // refuses new writes before the running ones are awaited
    this.#open = undefined;
    await open?.commits.drain();
    const problem = open && closeDatabase(open.database, open.log, open.identity);
    if (!problem) return;
    throw new DtmStoreError(
      `the ${problem.text} while the store was open; the store has left its files as they are, because only the log (-wal) contains ` +
        `the last transactions; before the next start, ${problem.isReversible ? 'put the same file back, or ' : ''}restore the file with its log from a backup`,
    );
  }

  async assertWritable(): Promise<void> {
    const { commits, database } = this.#handle;
    commits.assertUndamaged();
    await commits.run(() => database.exec(EMPTY_WRITE));
  }

  findRisks(): readonly string[] {
    return findFileRisks(this.#options.path, process.env['NODE_ENV']);
  }

  create({ transaction, branches }: TransactionDetails): Promise<boolean> {
    const { gid, transType, createTime } = transaction;
    const values = [gid, transType, createTime, ...encodeChangingColumns(transaction)];
    const text = encodeBranches(branches);
    return this.#commit(({ insertGlobal, insertBranches }) => {
      const { changes, lastInsertRowid } = insertGlobal.run(values);
      if (changes === 0) return false;
      if (branches.length > 0) insertBranches.run([Number(lastInsertRowid), 0, text]);
      return true;
    });
  }

  async find(gid: string): Promise<TransactionDetails | undefined> {
    return this.#read(({ statements }) => findTransaction(statements, gid));
  }

  async findRecord(gid: string): Promise<TransactionRecord | undefined> {
    return this.#read(({ statements }) => findRecord(statements, gid));
  }

  addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
    limits?: BranchLimits,
  ): Promise<AddBranchesResult> {
    const text = encodeBranches(branches);
    return this.#commit((statements) => addBranches(statements, gid, transType, branches, text, limits));
  }

  update(
    expected: ExpectedState,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const progress = encodeProgress(branches);
    const first = progress.get(0) ?? '{}';
    progress.delete(0);
    const { gid } = transaction;
    const values = [...encodeChangingColumns(transaction), first, gid, expected.status, expected.owner ?? null];
    return this.#commit(({ updateGlobal, upsertProgress }) => {
      if (updateGlobal.run(values).changes === 0) return false;
      for (const [chunk, text] of progress) upsertProgress.run([gid, chunk, text]);
      return true;
    });
  }

  claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
    maxBytes: number = Infinity,
  ): Promise<TransactionDetails[]> {
    return this.#commit((statements) => claimTransactions(statements, now, owner, lease, limit, maxBytes));
  }

  async list(filter: TransactionFilter): Promise<TransactionPage> {
    return this.#read(({ database }) => listTransactions(database, filter));
  }

  async countUnfinished(limit: number): Promise<UnfinishedCounts> {
    return this.#read(({ statements }) => countUnfinished(statements, limit));
  }

  wake(now: number, filter: WakeFilter): Promise<WakeBatch> {
    const after = parsePosition(filter.position, 0);
    return this.#commit((statements) => wakeTransactions(statements, now, filter, after));
  }

  prune(before: number, position: string, limit: number): Promise<PruneResult> {
    const after = parsePosition(position, 0);
    return this.#commit((statements) => pruneTransactions(statements, before, after, limit));
  }

  async getKv(category: string, key: string): Promise<KvRecord | undefined> {
    return this.#read(({ statements }) => findKv(statements, category, key));
  }

  putKv(record: KvRecord): Promise<boolean> {
    return this.#commit((statements) => putKv(statements, record));
  }

  deleteKv(category: string, key: string): Promise<boolean> {
    return this.#commit(({ deleteKv }) => deleteKv.run(category, key).changes === 1);
  }

  async listKv(filter: KvFilter): Promise<KvPage> {
    return this.#read(({ database }) => listKv(database, filter));
  }

  get #handle(): OpenDatabase {
    if (!this.#open) throw closedError();
    return this.#open;
  }

  #read<T>(read: (open: OpenDatabase) => T): T {
    const open = this.#handle;
    try {
      return read(open);
    } catch (cause) {
      if (cause instanceof DtmError) throw cause;
      // without the path: callers read the message
      throw new DtmStoreError(`the store could not be read: ${errorText(cause)}`, { cause });
    }
  }

  async #commit<T>(write: (statements: Statements) => T): Promise<T> {
    const { commits, statements } = this.#handle;
    return commits.run(() => write(statements));
  }
}
