import type Database from 'libsql';
import {
  DtmStoreError,
  errorText,
  type BranchRecord,
  type KvPage,
  type KvRecord,
  type TransType,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import { positionOf } from '../memory/memory-store.js';
import {
  DEFAULT_PAGE_SIZE,
  type ExpectedState,
  type KvFilter,
  type PruneResult,
  type Store,
  type WakeFilter,
} from '../store.js';
import { isWaitingFor } from '../targets.js';
import { closeDatabase, openDatabase } from './database-file.js';
import { GroupCommit } from './group-commit.js';
import {
  decodeBranches,
  encodeBranches,
  encodeChangingColumns,
  hasChunks,
  decodeKv,
  decodeProgress,
  encodeProgress,
  decodeTransaction,
  withProgress,
  type GlobalRow,
  type KvRow,
} from './rows.js';
import { prepareStatements, type Statements } from './statements.js';

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** File that holds everything; made, with its folder, when it does not exist. @default './.dtm/dtm.db' */
  readonly path?: string | undefined;
  /**
   * Whether the whole file is read at start to find damage, about a second for a gigabyte; without it, damage is found
   * when it is met. @default true
   */
  readonly checkAtStart?: boolean | undefined;
}

/**
 * A durable store in one SQLite file. Each write is fsynced before it is acknowledged; writes that come together share
 * one fsync. One process at a time: a second one is refused. So is a file that is damaged, or that of something else.
 *
 * @param options - where the file is
 */
export function sqliteStore(options: SqliteStoreOptions = {}): Store {
  return new SqliteStore(options.path ?? './.dtm/dtm.db', options.checkAtStart ?? true);
}

/** Transactions that are looked through at a time for those to be woken. */
const PAGE_SIZE = 100;

interface OpenDatabase {
  readonly database: Database.Database;
  readonly statements: Statements;
  readonly commits: GroupCommit;
}

class SqliteStore implements Store {
  readonly name: string;
  readonly #path: string;
  readonly #checkAtStart: boolean;
  #open: OpenDatabase | undefined;

  constructor(path: string, isChecked: boolean) {
    this.#path = path;
    this.#checkAtStart = isChecked;
    this.name = `sqlite ${path}`;
  }

  async open(): Promise<void> {
    if (this.#open) return;
    const database = openDatabase(this.#path, this.#checkAtStart);
    try {
      this.#open = { database, statements: prepareStatements(database), commits: new GroupCommit(database) };
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
    return this.#read(({ statements }) => {
      const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
      return row && readDetails(statements, row);
    });
  }

  addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
  ): Promise<'added' | 'refused' | 'duplicate'> {
    const text = encodeBranches(branches);
    return this.#commit((statements) => {
      const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
      if (row?.status !== 'prepared' || row.trans_type !== transType) return 'refused';
      const stored = readRegisteredBranches(statements, row.id);
      const isStored = ({ branchId, op }: BranchRecord): boolean =>
        stored.some((branch) => branch.branchId === branchId && branch.op === op);
      if (branches.some(isStored)) return 'duplicate';
      statements.insertBranches.run([row.id, stored.length, text]);
      return 'added';
    });
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
  ): Promise<TransactionDetails[]> {
    return this.#commit((statements) => {
      const rows = statements.selectDue.all(now, limit) as GlobalRow[];
      return rows.map((row) => {
        const details = readDetails(statements, row);
        const transaction = { ...details.transaction, owner, nextCronTime: lease(details.transaction) };
        statements.claim.run([owner, transaction.nextCronTime, row.id]);
        return { ...details, transaction };
      });
    });
  }

  async list(filter: TransactionFilter): Promise<TransactionPage> {
    const limit = filter.limit ?? DEFAULT_PAGE_SIZE;
    const { where, values } = listWhere({
      'id < ?': positionOf(filter.position),
      'gid = ?': filter.gid || undefined,
      'status = ?': filter.status,
      'trans_type = ?': filter.transType,
      'create_time >= ?': filter.createTimeStart || undefined,
      'create_time <= ?': filter.createTimeEnd || undefined,
    });
    const attention = filter.attention ? 'and attention is not null' : '';
    const text = `select * from trans_global where ${where} ${attention} order by id desc limit ?`;
    return this.#read(({ database }) => {
      const rows = database.prepare(text).all(...values, limit) as GlobalRow[];
      const nextPosition = rows.length < limit ? '' : String(rows.at(-1)?.id ?? '');
      return { transactions: rows.map(decodeTransaction), nextPosition };
    });
  }

  wake(now: number, filter: WakeFilter): Promise<number> {
    return this.#commit((statements) => {
      const ids: number[] = [];
      for (const row of sleepingRows(statements, filter)) {
        if (ids.length >= filter.limit) break;
        if (!filter.target || isWaitingFor(readDetails(statements, row), filter.target)) ids.push(row.id);
      }
      for (const id of ids) statements.wake.run(now, id);
      return ids.length;
    });
  }

  prune(before: number, position: string, limit: number): Promise<PruneResult> {
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
    return this.#read(({ statements }) => {
      const row = statements.selectKv.get(category, key) as KvRow | undefined;
      return row && decodeKv(row);
    });
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
    const conditions = { 'id > ?': above, 'cat = ?': category || undefined, 'k = ?': key || undefined };
    const { where, values } = listWhere(conditions);
    const text = `select * from kv where ${where} order by id limit ?`;
    return this.#read(({ database }) => {
      const rows = database.prepare(text).all(...values, limit) as KvRow[];
      return { records: rows.map(decodeKv), nextPosition: rows.length < limit ? '' : String(rows.at(-1)?.id ?? '') };
    });
  }

  get #handle(): OpenDatabase {
    if (!this.#open)
      throw new DtmStoreError(`${this.name} is closed; the coordinator is stopped, or was never started`);
    return this.#open;
  }

  #read<T>(read: (open: OpenDatabase) => T): T {
    const open = this.#handle;
    try {
      return read(open);
    } catch (cause) {
      const reason = errorText(cause);
      throw new DtmStoreError(`${this.name} could not be read: ${reason}`, { cause });
    }
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
  const given = Object.entries(conditions).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  return {
    where: given.map(([condition]) => condition).join(' and ') || 'true',
    values: given.map(([, value]) => value),
  };
}

function readDetails(statements: Statements, row: GlobalRow): TransactionDetails {
  const branches = readRegisteredBranches(statements, row.id);
  const texts = [row.progress];
  if (hasChunks(branches.length)) {
    for (const { progress } of statements.selectProgress.all([row.id]) as { progress: string }[]) texts.push(progress);
  }
  const progress = decodeProgress(texts);
  return {
    transaction: decodeTransaction(row),
    branches: branches.map((branch, position) => withProgress(branch, progress[position])),
  };
}

/** As they were registered, without what became of them. */
function readRegisteredBranches(statements: Statements, id: number): BranchRecord[] {
  const rows = statements.selectBranches.all([id]) as { branches: string }[];
  return rows.flatMap(({ branches }) => decodeBranches(branches));
}

/** Waiting transactions, the first due first, among them all that mention the target. */
function* sleepingRows(statements: Statements, { gid, target, laterThan }: WakeFilter): Generator<GlobalRow> {
  if (gid) {
    const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
    if (row?.owner === null && row.due_time !== null && row.due_time > laterThan) yield row;
    return;
  }
  // as it stands in JSON
  const mention = target ? JSON.stringify(target).slice(1, -1) : null;
  let last: Pick<GlobalRow, 'due_time' | 'id'> | undefined = { due_time: laterThan, id: Number.MAX_SAFE_INTEGER };
  // page by page: rows that are iterated hold the log back as long as somebody goes on with them
  while (last) {
    const found = statements.selectAsleep.all(
      last.due_time,
      last.id,
      mention,
      mention,
      mention,
      PAGE_SIZE,
    ) as GlobalRow[];
    yield* found;
    last = found.length < PAGE_SIZE ? undefined : found.at(-1);
  }
}
