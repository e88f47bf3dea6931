import type Database from 'libsql';
import type {
  BranchRecord,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
  TransactionRecord,
} from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, nextPositionOf, parsePosition } from '../page.js';
import { whereClause } from '../where-clause.js';
import { decodeBranches, decodeProgress, decodeTransaction, hasChunks, withProgress, type GlobalRow } from './rows.js';
import type { Statements } from './statements.js';

/** `Store.find`. */
export function findTransaction(statements: Statements, gid: string): TransactionDetails | undefined {
  const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
  return row && readDetails(statements, row);
}

/** Reads the branches of a transaction and their progress. */
export function readDetails(statements: Statements, row: GlobalRow): TransactionDetails {
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

/** Reads the branches of a transaction as they were registered, without their progress. */
export function readRegisteredBranches(statements: Statements, id: number): BranchRecord[] {
  const rows = statements.selectBranches.all([id]) as { branches: string }[];
  return rows.flatMap(({ branches }) => decodeBranches(branches));
}

/** `Store.claim`. */
export function claimTransactions(
  statements: Statements,
  now: number,
  owner: string,
  lease: (transaction: TransactionRecord) => number,
  limit: number,
): TransactionDetails[] {
  const rows = statements.selectDue.all(now, limit) as GlobalRow[];
  return rows.map((row) => {
    const details = readDetails(statements, row);
    const transaction = { ...details.transaction, owner, nextCronTime: lease(details.transaction) };
    statements.claim.run([owner, transaction.nextCronTime, row.id]);
    return { ...details, transaction };
  });
}

/** `Store.list`. */
export function listTransactions(database: Database.Database, filter: TransactionFilter): TransactionPage {
  const limit = filter.limit ?? DEFAULT_PAGE_SIZE;
  const { where, values } = whereClause<string | number>({
    'id < ?': parsePosition(filter.position, Number.MAX_SAFE_INTEGER),
    'gid = ?': filter.gid,
    'status = ?': filter.status,
    'trans_type = ?': filter.transType,
    'create_time >= ?': filter.createTimeStart || undefined,
    'create_time <= ?': filter.createTimeEnd || undefined,
  });
  const attention = filter.attention ? 'and attention is not null' : '';
  const text = `select * from trans_global where ${where} ${attention} order by id desc limit ?`;
  const rows = database.prepare(text).all(...values, limit) as GlobalRow[];
  return { transactions: rows.map(decodeTransaction), nextPosition: nextPositionOf(rows, limit) };
}
