import type {
  BranchRecord,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
  TransactionRecord,
} from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, nextPositionOf, parsePosition } from '../page.js';
import { whereClause } from '../where-clause.js';
import { encodeOwner } from './columns.js';
import { chunked, padToPowerOfTwo, placeholders } from './placeholders.js';
import { decodeBranch, branchColumns, transactionColumns, decodeTransaction } from './rows.js';
import type { SqlDatabase, SqlDialect, SqlRow, SqlSession } from './sql-database.js';
import type { SqlValue } from './sql-value.js';

/**
 * `Store.find`. Branches are read after their transaction, so that they are never older: a branch that was registered
 * before the transaction was submitted is there.
 */
export async function findTransaction(database: SqlDatabase, gid: string): Promise<TransactionDetails | undefined> {
  const { dialect } = database;
  const text = `select ${transactionColumns(dialect)} from ${dialect.tables.global} where gid = ?`;
  const [row] = await database.query(text, [gid]);
  return row && (await readBranches(database, dialect, [row]))[0];
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
  const text = `select ${transactionColumns(dialect)} from ${dialect.tables.global}
    where ${where} ${attention} order by id desc limit ?`;
  const rows = await database.query(text, [...values, String(limit)]);
  return { transactions: rows.map(decodeTransaction), nextPosition: nextPositionOf(rows, limit) };
}

/** `Store.claim`; skips rows that another coordinator is claiming now. */
export function claimTransactions(
  database: SqlDatabase,
  now: number,
  owner: string,
  lease: (transaction: TransactionRecord) => number,
  limit: number,
): Promise<TransactionDetails[]> {
  const { dialect } = database;
  const due = `select ${transactionColumns(dialect)} from ${dialect.tables.global}
    where ${dialect.isUnfinished} and ${dialect.dueTime} <= ? order by ${dialect.dueTime} limit ? for update skip locked`;
  return database.transaction(async (session) => {
    const rows = await session.query(due, [encodeDueTime(dialect, now), String(limit)]);
    if (rows.length === 0) return [];
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
