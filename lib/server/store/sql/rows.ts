import {
  decodeTransactionOptions,
  jsonReader,
  type BranchRecord,
  type KvRecord,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import { BRANCH_COLUMNS, GLOBAL_COLUMNS, OWNER_PREFIX } from './columns.js';
import type { SqlDialect, SqlRow } from './sql-database.js';

/** The columns that {@link decodeTransaction} reads. */
export function transactionColumns(dialect: SqlDialect): string {
  return ['id', ...GLOBAL_COLUMNS.map((column) => selectExpression(column, dialect))].join(', ');
}

/** Bytes of the texts of a transaction that can be long. */
export const TRANSACTION_SIZE = ['query_prepared', 'custom_data', 'options', 'result', 'rollback_reason']
  .map((name) => `coalesce(octet_length(${name}), 0)`)
  .join(' + ');

/** The columns that {@link decodeBranch} reads. */
export function branchColumns(dialect: SqlDialect): string {
  return BRANCH_COLUMNS.map((column) => selectExpression(column, dialect)).join(', ');
}

/** The columns that {@link decodeKv} reads. */
export function kvColumns(dialect: SqlDialect): string {
  const times = ['create_time', 'update_time'].map((name) => selectExpression({ name, kind: 'time' }, dialect));
  return ['id', 'cat', 'k', 'v', 'version', ...times].join(', ');
}

/** Decodes a row; Go dtm may have written it. */
export function decodeTransaction(row: SqlRow): TransactionRecord {
  const createTime = decodeNumber(row['create_time']) ?? 0;
  return {
    gid: decodeText(row['gid']),
    transType: decodeText(row['trans_type']) as TransactionRecord['transType'],
    status: decodeText(row['status']) as TransactionRecord['status'],
    protocol: (decodeText(row['protocol']) || 'http') as TransactionRecord['protocol'],
    queryPrepared: decodeText(row['query_prepared']) || undefined,
    customData: decodeText(row['custom_data']) || undefined,
    createTime,
    updateTime: decodeNumber(row['update_time']) ?? createTime,
    finishTime: decodeNumber(row['finish_time']),
    rollbackTime: decodeNumber(row['rollback_time']),
    rollbackReason: decodeText(row['rollback_reason']) || undefined,
    result: decodeText(row['result']) || undefined,
    nextCronInterval: decodeNumber(row['next_cron_interval']) ?? 0,
    nextCronTime: decodeNumber(row['next_cron_time']) ?? 0,
    owner: decodeOwner(decodeText(row['owner'])),
    attention: decodeText(row['attention']) || undefined,
    ...decodeOptions(decodeText(row['options'])),
  };
}

/** Decodes a row; Go dtm may have written it. */
export function decodeBranch(row: SqlRow): BranchRecord {
  return {
    branchId: decodeText(row['branch_id']),
    op: decodeText(row['op']) as BranchRecord['op'],
    url: decodeText(row['url']),
    payload: decodePayload(row['bin_data'] as Buffer | null, Boolean(row['is_text'])),
    status: decodeText(row['status']) as BranchRecord['status'],
    finishTime: decodeNumber(row['finish_time']),
    attempts: decodeNumber(row['attempts']),
    failures: decodeNumber(row['failures']),
    lastError: (row['last_error'] as string | null) ?? undefined,
  };
}

export function decodeKv(row: SqlRow): KvRecord {
  const createTime = decodeNumber(row['create_time']) ?? 0;
  return {
    category: decodeText(row['cat']),
    key: decodeText(row['k']),
    value: decodeText(row['v']),
    version: decodeNumber(row['version']) ?? 1,
    createTime,
    updateTime: decodeNumber(row['update_time']) ?? createTime,
  };
}

function selectExpression({ name, kind }: { name: string; kind: string }, dialect: SqlDialect): string {
  return kind === 'time' ? `${dialect.milliseconds(name)} as ${name}` : name;
}

function decodeText(value: unknown): string {
  return (value as string | null) ?? '';
}

function decodeNumber(value: unknown): number | undefined {
  // drivers return large integers as text
  return value === null || value === undefined ? undefined : Number(value);
}

function decodeOwner(text: string): string | undefined {
  return (text.startsWith(OWNER_PREFIX) ? text.slice(OWNER_PREFIX.length) : text) || undefined;
}

function decodePayload(bytes: Buffer | null, isText: boolean): BranchRecord['payload'] {
  if (!bytes) return '';
  return isText ? bytes.toString() : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Unreadable JSON, e.g. cut off by a narrow column, must not make every query fail that returns the row. */
function decodeOptions(
  text: string,
): Pick<TransactionRecord, 'options' | 'concurrent' | 'retryCount'> & Partial<TransactionRecord> {
  if (text === '') return { options: {} };
  try {
    const fields = JSON.parse(text) as { retry_count?: unknown } | null;
    const json = jsonReader(fields, 'options');
    return {
      options: decodeTransactionOptions(json),
      concurrent: json.boolean('concurrent') || undefined,
      retryCount: fields?.retry_count === undefined ? undefined : json.count('retry_count'),
    };
  } catch (error) {
    return { options: {}, attention: `the options cannot be read and are ignored: ${String(error)}` };
  }
}
