import {
  APP_SCHEME,
  type BranchRecord,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
  TransactionRecord,
} from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, cutPage, parsePosition, takeBytes } from '../page.js';
import type { UnfinishedCounts } from '../store.js';
import { whereClause } from '../where-clause.js';
import { encodeOwner } from './columns.js';
import { chunked, padToPowerOfTwo, placeholders } from './placeholders.js';
import { TRANSACTION_SIZE, branchColumns, decodeBranch, decodeTransaction, transactionColumns } from './rows.js';
import type { SqlDatabase, SqlDialect, SqlRow, SqlSession } from './sql-database.js';
import type { SqlValue } from './sql-value.js';

/**
 * `Store.find`. Branches are read after their transaction, so that they are never older: a branch that was registered
 * before the transaction was submitted is there.
 */
export async function findTransaction(database: SqlDatabase, gid: string): Promise<TransactionDetails | undefined> {
  const row = await findRow(database, gid);
  return row && (await readBranches(database, database.dialect, [row]))[0];
}

/** `Store.findRecord`. */
export async function findRecord(database: SqlDatabase, gid: string): Promise<TransactionRecord | undefined> {
  const row = await findRow(database, gid);
  return row && decodeTransaction(row);
}

async function findRow(database: SqlDatabase, gid: string): Promise<SqlRow | undefined> {
  const { dialect } = database;
  const text = `select ${transactionColumns(dialect)} from ${dialect.tables.global} where gid = ?`;
  return (await database.query(text, [gid]))[0];
}

/** `Store.list`. */
export async function listTransactions(database: SqlDatabase, filter: TransactionFilter): Promise<TransactionPage> {
  const { dialect } = database;
  const limit = filter.limit ?? DEFAULT_PAGE_SIZE;
  const time = (value: number | undefined): SqlValue | undefined =>
    value ? dialect.encode({ name: 'create_time', kind: 'time' }, value) : undefined;
  const { where, values } = whereClause<SqlValue>({
    'id < ?': parsePosition(filter.position, Number.MAX_SAFE_INTEGER),
    'gid = ?': filter.gid,
    'status = ?': filter.status,
    'trans_type = ?': filter.transType,
    'create_time >= ?': time(filter.createTimeStart),
    'create_time <= ?': time(filter.createTimeEnd),
  });
  const attention = filter.attention ? 'and attention is not null' : '';
  const select = (columns: string, condition: string, more: SqlValue[]): Promise<SqlRow[]> =>
    database.query(
      `select ${columns} from ${dialect.tables.global} where ${where} ${attention} ${condition} order by id desc limit ?`,
      [...values, ...more],
    );
  const sizes = await select(`id, ${TRANSACTION_SIZE} as size`, '', [String(limit)]);
  const { page, nextPosition } = cutPage(sizes, limit);
  if (page.length === 0) return { transactions: [], nextPosition };
  const rows = await select(transactionColumns(dialect), 'and id >= ?', [
    String(page.at(-1)!['id']),
    String(page.length),
  ]);
  return { transactions: rows.map(decodeTransaction), nextPosition };
}

/** `Store.countUnfinished`. */
export async function countUnfinished(database: SqlDatabase, limit: number): Promise<UnfinishedCounts> {
  const { isUnfinished, tables } = database.dialect;
  const rows = await database.query(
    `select status, count(*) as n, count(attention) as attention
     from (select status, attention from ${tables.global} where ${isUnfinished} limit ?) t group by status`,
    [String(limit)],
  );
  const countOf = (status: string): number => Number(rows.find((row) => row['status'] === status)?.['n'] ?? 0);
  return {
    prepared: countOf('prepared'),
    submitted: countOf('submitted'),
    aborting: countOf('aborting'),
    attention: rows.reduce((sum, { attention }) => sum + Number(attention), 0),
  };
}

/** Parameters of `Store.claim`. */
export interface Claim {
  readonly now: number;
  readonly owner: string;
  readonly lease: (transaction: TransactionRecord) => number;
  readonly limit: number;
  readonly maxBytes: number;
  readonly application: string | undefined;
}

/**
 * `Store.claim`; skips rows that another coordinator is claiming now, and rows that only another application can finish. An
 * application may call its own branches only, and these are named in the URLs.
 */
export function claimTransactions(
  database: SqlDatabase,
  { now, owner, lease, limit, maxBytes, application }: Claim,
): Promise<TransactionDetails[]> {
  const { dialect } = database;
  const { global, branch } = dialect.tables;
  // the driver reads all rows of a result into memory: asks for their sizes first
  const due = `select id, ${TRANSACTION_SIZE} + (select coalesce(sum(octet_length(b.bin_data)), 0) from ${branch} b
      where b.gid = ${global}.gid) as size
    from ${global} where ${dialect.isUnfinished} and ${dialect.dueTime} <= ?
      and not ${isForeign(`coalesce(query_prepared, '')`)}
      and not exists (select 1 from ${branch} b where b.gid = ${global}.gid and ${isForeign('b.url')})
    order by ${dialect.dueTime} limit ? for update skip locked`;
  // a name has no wildcard of `like`
  const own = `${APP_SCHEME}${application ?? ''}/%`;
  return database.transaction(async (session) => {
    const values = [encodeDueTime(dialect, now), own, own, String(limit)];
    const found = takeBytes(await session.query(due, values), maxBytes);
    if (found.length === 0) return [];
    const rows = await readRows(session, dialect, found);
    const claimed = (await readBranches(session, dialect, rows)).map(({ transaction, branches }) => ({
      transaction: { ...transaction, owner, nextCronTime: lease(transaction) },
      branches,
    }));
    for (const time of new Set(claimed.map(({ transaction }) => transaction.nextCronTime))) {
      const same = rows.filter((_, index) => claimed[index]!.transaction.nextCronTime === time);
      for (const chunk of chunked(same)) {
        const ids = padToPowerOfTwo(chunk.map(({ id }) => String(id)));
        await session.execute(
          `update ${dialect.tables.global} set owner = ?, next_cron_time = ? where id in ${placeholders(ids.length)}`,
          [encodeOwner(owner)!, encodeDueTime(dialect, time), ...ids],
        );
      }
    }
    return claimed;
  });
}

/** Reads transactions by their ids, in that order. */
async function readRows(session: SqlSession, dialect: SqlDialect, found: readonly SqlRow[]): Promise<SqlRow[]> {
  const rows = new Map<string, SqlRow>();
  for (const chunk of chunked(found)) {
    const ids = padToPowerOfTwo(chunk.map(({ id }) => String(id)));
    const text = `select ${transactionColumns(dialect)} from ${dialect.tables.global} where id in ${placeholders(ids.length)}`;
    for (const row of await session.query(text, ids)) rows.set(String(row['id']), row);
  }
  return found.map(({ id }) => rows.get(String(id))!);
}

/** Condition that a URL names a branch of an application other than the one whose pattern is the value. */
function isForeign(column: string): string {
  return `(${column} like '${APP_SCHEME}%' and ${column} not like ?)`;
}

/** Encodes a time as a value of `next_cron_time`. */
export function encodeDueTime(dialect: SqlDialect, time: number): SqlValue {
  return dialect.encode({ name: 'next_cron_time', kind: 'time' }, time);
}

/** Reads the branches of transactions, in the order of registration. */
async function readBranches(
  session: SqlSession,
  dialect: SqlDialect,
  rows: readonly SqlRow[],
): Promise<TransactionDetails[]> {
  const transactions = rows.map(decodeTransaction);
  const branches = new Map<string, BranchRecord[]>(transactions.map(({ gid }) => [gid, []]));
  for (const chunk of chunked(transactions)) {
    const gids = padToPowerOfTwo(chunk.map(({ gid }) => gid));
    const text = `select ${branchColumns(dialect)} from ${dialect.tables.branch}
      where gid in ${placeholders(gids.length)} order by id`;
    for (const row of await session.query(text, gids)) branches.get(row['gid'] as string)?.push(decodeBranch(row));
  }
  return transactions.map((transaction) => ({ transaction, branches: branches.get(transaction.gid) ?? [] }));
}
