import {
  decodeTransactionOptions,
  jsonReader,
  type BranchRecord,
  type KvRecord,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import { BRANCH_COLUMNS, GLOBAL_COLUMNS, OWNER_PREFIX } from './columns.js';
import type { SqlDialect, SqlRow } from './sql-database.js';

/** The columns that {@link transactionIn} reads. */
export function globalList(dialect: SqlDialect): string {
  return ['id', ...GLOBAL_COLUMNS.map((column) => selected(column, dialect))].join(', ');
}

/** The columns that {@link branchIn} reads. */
export function branchList(dialect: SqlDialect): string {
  return BRANCH_COLUMNS.map((column) => selected(column, dialect)).join(', ');
}

/** The columns that {@link kvIn} reads. */
export function kvList(dialect: SqlDialect): string {
  const times = ['create_time', 'update_time'].map((name) => selected({ name, kind: 'time' }, dialect));
  return ['id', 'cat', 'k', 'v', 'version', ...times].join(', ');
}

/** The transaction in a row, which may be one that Go dtm wrote. */
export function transactionIn(row: SqlRow): TransactionRecord {
  const createTime = numberIn(row['create_time']) ?? 0;
  return {
    gid: textIn(row['gid']),
    transType: textIn(row['trans_type']) as TransactionRecord['transType'],
    status: textIn(row['status']) as TransactionRecord['status'],
    protocol: (textIn(row['protocol']) || 'http') as TransactionRecord['protocol'],
    queryPrepared: textIn(row['query_prepared']) || undefined,
    customData: textIn(row['custom_data']) || undefined,
    createTime,
    updateTime: numberIn(row['update_time']) ?? createTime,
    finishTime: numberIn(row['finish_time']),
    rollbackTime: numberIn(row['rollback_time']),
    rollbackReason: textIn(row['rollback_reason']) || undefined,
    result: textIn(row['result']) || undefined,
    nextCronInterval: numberIn(row['next_cron_interval']) ?? 0,
    nextCronTime: numberIn(row['next_cron_time']) ?? 0,
    owner: ownerIn(textIn(row['owner'])),
    attention: textIn(row['attention']) || undefined,
    ...optionsIn(textIn(row['options'])),
  };
}

/** The branch in a row, which may be one that Go dtm wrote. */
export function branchIn(row: SqlRow): BranchRecord {
  return {
    branchId: textIn(row['branch_id']),
    op: textIn(row['op']) as BranchRecord['op'],
    url: textIn(row['url']),
    payload: payloadIn(row['bin_data'] as Buffer | null, Boolean(row['is_text'])),
    status: textIn(row['status']) as BranchRecord['status'],
    finishTime: numberIn(row['finish_time']),
    attempts: numberIn(row['attempts']),
    failures: numberIn(row['failures']),
    lastError: (row['last_error'] as string | null) ?? undefined,
  };
}

/** The kept value in a row. */
export function kvIn(row: SqlRow): KvRecord {
  const createTime = numberIn(row['create_time']) ?? 0;
  return {
    category: textIn(row['cat']),
    key: textIn(row['k']),
    value: textIn(row['v']),
    version: numberIn(row['version']) ?? 1,
    createTime,
    updateTime: numberIn(row['update_time']) ?? createTime,
  };
}

function selected({ name, kind }: { name: string; kind: string }, dialect: SqlDialect): string {
  return kind === 'time' ? `${dialect.milliseconds(name)} as ${name}` : name;
}

function textIn(value: unknown): string {
  return (value as string | null) ?? '';
}

function numberIn(value: unknown): number | undefined {
  // drivers give large integers as text
  return value === null || value === undefined ? undefined : Number(value);
}

function ownerIn(text: string): string | undefined {
  return (text.startsWith(OWNER_PREFIX) ? text.slice(OWNER_PREFIX.length) : text) || undefined;
}

function payloadIn(bytes: Buffer | null, isText: boolean): BranchRecord['payload'] {
  if (!bytes) return '';
  return isText ? bytes.toString() : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A text that was cut to fit a narrow column must not keep every other transaction from being found. */
function optionsIn(
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
    return { options: {}, attention: `its options cannot be read, so it goes on without them: ${String(error)}` };
  }
}
