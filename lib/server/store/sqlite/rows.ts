import {
  payloadBytes,
  type BranchRecord,
  type GlobalStatus,
  type KvRecord,
  type Payload,
  type Protocol,
  type TransactionOptions,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/index.js';

/** A row of `trans_global`. */
export interface GlobalRow {
  id: number;
  gid: string;
  trans_type: TransType;
  status: GlobalStatus;
  protocol: Protocol;
  options: string;
  query_prepared: string | null;
  custom_data: string | null;
  create_time: number;
  update_time: number;
  finish_time: number | null;
  rollback_time: number | null;
  rollback_reason: string | null;
  result: string | null;
  next_cron_interval: number;
  next_cron_time: number;
  owner: string | null;
  retry_count: number | null;
}

/** A row of `trans_branch_op`. */
export interface BranchRow {
  position: number;
  branch_id: string;
  op: BranchRecord['op'];
  url: string;
  payload: string | ArrayBuffer;
  status: BranchRecord['status'];
  finish_time: number | null;
  attempts: number | null;
  last_error: string | null;
}

/** Columns of `trans_global` in the order of {@link globalValues}. */
export const GLOBAL_COLUMNS = [
  'gid',
  'trans_type',
  'status',
  'protocol',
  'options',
  'query_prepared',
  'custom_data',
  'create_time',
  'update_time',
  'finish_time',
  'rollback_time',
  'rollback_reason',
  'result',
  'next_cron_interval',
  'next_cron_time',
  'owner',
  'retry_count',
] as const;

/** Values of a transaction's columns, in the order of {@link GLOBAL_COLUMNS}. */
export function globalValues(record: TransactionRecord): (string | number | null)[] {
  return [
    record.gid,
    record.transType,
    record.status,
    record.protocol,
    JSON.stringify({ ...record.options, concurrent: record.concurrent }),
    record.queryPrepared ?? null,
    record.customData ?? null,
    record.createTime,
    record.updateTime,
    record.finishTime ?? null,
    record.rollbackTime ?? null,
    record.rollbackReason ?? null,
    record.result ?? null,
    record.nextCronInterval,
    record.nextCronTime,
    record.owner ?? null,
    record.retryCount ?? null,
  ];
}

/** The transaction in a row. */
export function transactionIn(row: GlobalRow): TransactionRecord {
  const { concurrent, ...options } = JSON.parse(row.options) as TransactionOptions & { concurrent?: boolean };
  return {
    gid: row.gid,
    transType: row.trans_type,
    status: row.status,
    protocol: row.protocol,
    options,
    concurrent,
    queryPrepared: row.query_prepared ?? undefined,
    customData: row.custom_data ?? undefined,
    createTime: row.create_time,
    updateTime: row.update_time,
    finishTime: row.finish_time ?? undefined,
    rollbackTime: row.rollback_time ?? undefined,
    rollbackReason: row.rollback_reason ?? undefined,
    result: row.result ?? undefined,
    nextCronInterval: row.next_cron_interval,
    nextCronTime: row.next_cron_time,
    owner: row.owner ?? undefined,
    retryCount: row.retry_count ?? undefined,
  };
}

/** A payload as it is stored. The driver ends a text at its first NUL, so such a one is stored as bytes. */
export function payloadValue(payload: Payload): Payload {
  return typeof payload === 'string' && payload.includes('\0') ? payloadBytes(payload) : payload;
}

/** The branch in a row. */
export function branchIn(row: BranchRow): BranchRecord {
  return {
    branchId: row.branch_id,
    op: row.op,
    url: row.url,
    payload: typeof row.payload === 'string' ? row.payload : new Uint8Array(row.payload),
    status: row.status,
    finishTime: row.finish_time ?? undefined,
    attempts: row.attempts ?? undefined,
    lastError: row.last_error ?? undefined,
  };
}

/** A row of `kv`. */
export interface KvRow {
  id: number;
  cat: string;
  k: string;
  v: string;
  version: number;
  create_time: number;
  update_time: number;
}

/** The value in a row. */
export function kvIn(row: KvRow): KvRecord {
  const { cat, k, v, version, create_time, update_time } = row;
  return { category: cat, key: k, value: v, version, createTime: create_time, updateTime: update_time };
}
