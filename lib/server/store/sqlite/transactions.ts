import type Database from 'libsql';
import {
  transactionBytes,
  type BranchRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, cutPage, parsePosition, takeBytes } from '../page.js';
import type { UnfinishedCounts } from '../store.js';
import { whereClause } from '../where-clause.js';
import {
  TRANSACTION_COLUMNS,
  decodeBranches,
  decodeProgress,
  decodeTransaction,
  hasChunks,
  withProgress,
  type GlobalRow,
} from './rows.js';
import type { Statements } from './statements.js';

/** `Store.find`. */
export function findTransaction(statements: Statements, gid: string): TransactionDetails | undefined {
  const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
  return row && withBranches(statements, row);
}

/** `Store.findRecord`. */
export function findRecord(statements: Statements, gid: string): TransactionRecord | undefined {
  const row = statements.selectGlobal.get([gid]) as GlobalRow | undefined;
  return row && decodeTransaction(row);
}

/** Reads a transaction that exists, with its branches. */
export function readDetails(statements: Statements, id: number): TransactionDetails {
  return withBranches(statements, statements.selectGlobalById.get([id]) as GlobalRow);
}

function withBranches(statements: Statements, row: GlobalRow): TransactionDetails {
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

/** The branches of a transaction as they were registered, without their progress. */
function readRegisteredBranches(statements: Statements, id: number): BranchRecord[] {
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
  maxBytes: number,
): TransactionDetails[] {
  const due = statements.selectDue.all(now, limit) as { id: number }[];
  const claim = function* (): Generator<TransactionDetails> {
    for (const { id } of due) {
      const details = readDetails(statements, id);
      const transaction = { ...details.transaction, owner, nextCronTime: lease(details.transaction) };
      statements.claim.run([owner, transaction.nextCronTime, id]);
      yield { ...details, transaction };
    }
  };
  return takeBytes(claim(), maxBytes, ({ transaction, branches }) => transactionBytes(transaction, branches));
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
  const select = (columns: string, count: number): unknown[] =>
    database
      .prepare(`select ${columns} from trans_global where ${where} ${attention} order by id desc limit ?`)
      .all(...values, count);
  const { page, nextPosition } = cutPage(select('id, octet_length(record) as size', limit) as { id: number }[], limit);
  return {
    transactions: (select(TRANSACTION_COLUMNS, page.length) as GlobalRow[]).map(decodeTransaction),
    nextPosition,
  };
}

/** `Store.countUnfinished`. */
export function countUnfinished(statements: Statements, limit: number): UnfinishedCounts {
  type Row = Pick<GlobalRow, 'status'> & { readonly count: number; readonly attention: number };
  const rows = statements.selectUnfinished.all(limit) as Row[];
  const countOf = (status: GlobalRow['status']): number => rows.find((row) => row.status === status)?.count ?? 0;
  return {
    prepared: countOf('prepared'),
    submitted: countOf('submitted'),
    aborting: countOf('aborting'),
    attention: rows.reduce((sum, { attention }) => sum + attention, 0),
  };
}
