import {
  isFinal,
  type BranchRecord,
  type GlobalStatus,
  type KvRecord,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/internal.js';

/** A row of `trans_global`. */
export interface GlobalRow {
  id: number;
  gid: string;
  trans_type: TransType;
  status: GlobalStatus;
  create_time: number;
  update_time: number;
  due_time: number | null;
  owner: string | null;
  /** JSON, because the driver cuts other texts at a NUL. */
  attention: string | null;
  record: string;
  progress: string;
}

/** The fields of a transaction that have no column. */
type Rest = Omit<
  TransactionRecord,
  'gid' | 'transType' | 'status' | 'createTime' | 'updateTime' | 'owner' | 'attention'
>;

/** Values of {@link CHANGING_COLUMNS}, in their order. */
export function encodeChangingColumns(transaction: TransactionRecord): (string | number | null)[] {
  const { status, updateTime, owner, attention, nextCronTime } = transaction;
  const due = isFinal(status) ? null : nextCronTime;
  const why = attention === undefined ? null : JSON.stringify(attention);
  return [status, updateTime, due, owner ?? null, why, JSON.stringify(recordColumn(transaction))];
}

/** Lists every field: removing fields from a copy costs more than writing the JSON. */
function recordColumn(transaction: TransactionRecord): { readonly [Name in keyof Required<Rest>]: Rest[Name] } {
  return {
    protocol: transaction.protocol,
    options: transaction.options,
    queryPrepared: transaction.queryPrepared,
    customData: transaction.customData,
    finishTime: transaction.finishTime,
    rollbackTime: transaction.rollbackTime,
    rollbackReason: transaction.rollbackReason,
    result: transaction.result,
    nextCronInterval: transaction.nextCronInterval,
    nextCronTime: transaction.nextCronTime,
    concurrent: transaction.concurrent,
    retryCount: transaction.retryCount,
  };
}

/** Columns that change with a transaction. */
export const CHANGING_COLUMNS = ['status', 'update_time', 'due_time', 'owner', 'attention', 'record'] as const;

/** The columns that {@link decodeTransaction} reads. */
export const TRANSACTION_COLUMNS = `gid, trans_type, create_time, ${CHANGING_COLUMNS.join(', ')}`;

export function decodeTransaction(row: Omit<GlobalRow, 'id' | 'progress'>): TransactionRecord {
  const rest = JSON.parse(row.record) as Rest;
  return {
    ...rest,
    gid: row.gid,
    transType: row.trans_type,
    status: row.status,
    createTime: row.create_time,
    updateTime: row.update_time,
    // claim and wake change only the column
    nextCronTime: row.due_time ?? rest.nextCronTime,
    owner: row.owner ?? undefined,
    attention: row.attention === null ? undefined : (JSON.parse(row.attention) as string),
  };
}

/** A branch as JSON, with a payload of bytes in base64. */
type StoredBranch = Omit<BranchRecord, 'payload'> & { readonly payload?: string; readonly bytes?: string };

/** Encodes branches that were registered together. */
export function encodeBranches(branches: readonly BranchRecord[]): string {
  return JSON.stringify(branches.map((branch) => (typeof branch.payload === 'string' ? branch : withBytes(branch))));
}

function withBytes({ payload, ...rest }: BranchRecord): StoredBranch {
  return { ...rest, bytes: Buffer.from(payload).toString('base64') };
}

/** Decodes {@link encodeBranches}. */
export function decodeBranches(text: string): BranchRecord[] {
  return (JSON.parse(text) as StoredBranch[]).map(({ payload, bytes, ...rest }) => ({
    ...rest,
    payload: bytes === undefined ? (payload ?? '') : new Uint8Array(Buffer.from(bytes, 'base64')),
  }));
}

/** Branches that share a row of progress. */
const CHUNK_SIZE = 64;

/** Progress of a branch: status, finish time, attempts, failures, last error; null = none. */
type Progress = readonly [
  BranchRecord['status'],
  number | null | undefined,
  number | null | undefined,
  number | null | undefined,
  string | null | undefined,
];

/** Progress by position of the branch. */
export type ProgressMap = Readonly<Record<string, Progress>>;

/**
 * Encodes the progress of changed branches as JSON that is merged into the stored progress.
 *
 * @param branches - changed branches by position
 * @returns JSON by chunk; chunk 0 is stored with the transaction
 */
export function encodeProgress(branches: ReadonlyMap<number, BranchRecord>): Map<number, string> {
  const chunks = new Map<number, Record<string, Progress>>();
  for (const [position, { status, finishTime, attempts, failures, lastError }] of branches) {
    const chunk = Math.floor(position / CHUNK_SIZE);
    const progress = chunks.get(chunk) ?? {};
    progress[position] = [status, finishTime, attempts, failures, lastError];
    chunks.set(chunk, progress);
  }
  return new Map([...chunks].map(([chunk, progress]) => [chunk, JSON.stringify(progress)]));
}

/** Decodes {@link encodeProgress}. */
export function decodeProgress(texts: readonly string[]): ProgressMap {
  const [first = '{}', ...others] = texts;
  return Object.assign(JSON.parse(first) as ProgressMap, ...others.map((text) => JSON.parse(text) as ProgressMap));
}

/** Whether some progress is stored outside of the row of the transaction. */
export function hasChunks(branchCount: number): boolean {
  return branchCount > CHUNK_SIZE;
}

/** Adds the progress to a registered branch. */
export function withProgress(branch: BranchRecord, progress: Progress | undefined): BranchRecord {
  if (!progress) return branch;
  const [status, finishTime, attempts, failures, lastError] = progress;
  return {
    ...branch,
    status,
    finishTime: finishTime ?? undefined,
    attempts: attempts ?? undefined,
    failures: failures ?? undefined,
    lastError: lastError ?? undefined,
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

export function decodeKv(row: KvRow): KvRecord {
  const { cat, k, v, version, create_time, update_time } = row;
  return { category: cat, key: k, value: v, version, createTime: create_time, updateTime: update_time };
}
