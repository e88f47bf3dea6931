import {
  encodeTransactionOptions,
  payloadBytes,
  type BranchRecord,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import type { SqlValue } from './sql-value.js';

/** A column and how its value is made. */
export interface Column<T> {
  /** Name, as in Go dtm's table where that has it. */
  readonly name: string;
  /** `prose` is text for people; `time` is UTC milliseconds. */
  readonly kind: 'text' | 'prose' | 'integer' | 'time' | 'bytes' | 'flag';
  /** Value for the column. */
  value(from: T): SqlValue;
}

/** A branch that is about to be written. */
export interface BranchEntry {
  /** Its transaction. */
  readonly gid: string;
  readonly branch: BranchRecord;
  /** Time of the write, UTC milliseconds. */
  readonly time: number;
}

/** Latest time that every database and Go can represent in every time zone. */
const MAX_TIME = Date.UTC(9999, 11, 30);

const MAX_INTEGER = 0x7fffffff;

/** Marks owners that clear their lease at the end of a pass; Go dtm leaves its random owners in place. */
export const OWNER_PREFIX = 'n:';

/** Columns of `trans_global`; Go dtm leaves none of its texts null. */
export const GLOBAL_COLUMNS: readonly Column<TransactionRecord>[] = [
  { name: 'gid', kind: 'text', value: ({ gid }) => gid },
  { name: 'trans_type', kind: 'text', value: ({ transType }) => transType },
  { name: 'status', kind: 'text', value: ({ status }) => status },
  { name: 'protocol', kind: 'text', value: ({ protocol }) => protocol },
  { name: 'query_prepared', kind: 'text', value: ({ queryPrepared = '' }) => queryPrepared },
  { name: 'custom_data', kind: 'text', value: ({ customData = '' }) => customData },
  { name: 'options', kind: 'text', value: encodeOptions },
  { name: 'result', kind: 'text', value: ({ result = '' }) => result },
  { name: 'rollback_reason', kind: 'prose', value: ({ rollbackReason = '' }) => rollbackReason },
  { name: 'owner', kind: 'text', value: ({ owner }) => encodeOwner(owner) ?? '' },
  { name: 'create_time', kind: 'time', value: ({ createTime }) => encodeTime(createTime) },
  { name: 'update_time', kind: 'time', value: ({ updateTime }) => encodeTime(updateTime) },
  { name: 'finish_time', kind: 'time', value: ({ finishTime }) => encodeTime(finishTime) },
  { name: 'rollback_time', kind: 'time', value: ({ rollbackTime }) => encodeTime(rollbackTime) },
  { name: 'next_cron_time', kind: 'time', value: ({ nextCronTime }) => encodeTime(nextCronTime) },
  { name: 'next_cron_interval', kind: 'integer', value: ({ nextCronInterval }) => encodeInteger(nextCronInterval) },
  { name: 'attention', kind: 'prose', value: ({ attention }) => attention ?? null },
];

/** Columns that identify a branch. */
export const BRANCH_KEY: readonly Column<BranchEntry>[] = [
  { name: 'gid', kind: 'text', value: ({ gid }) => gid },
  { name: 'branch_id', kind: 'text', value: ({ branch }) => branch.branchId },
  { name: 'op', kind: 'text', value: ({ branch }) => branch.op },
];

/** Columns that change when a branch is called. */
export const BRANCH_PROGRESS: readonly Column<BranchEntry>[] = [
  { name: 'status', kind: 'text', value: ({ branch }) => branch.status },
  { name: 'finish_time', kind: 'time', value: ({ branch }) => encodeTime(branch.finishTime) },
  { name: 'update_time', kind: 'time', value: (entry) => encodeTime(entry.time) },
  { name: 'attempts', kind: 'integer', value: ({ branch }) => encodeInteger(branch.attempts) },
  { name: 'failures', kind: 'integer', value: ({ branch }) => encodeInteger(branch.failures) },
  { name: 'last_error', kind: 'prose', value: ({ branch }) => branch.lastError ?? null },
];

/** Columns of `trans_branch_op`. */
export const BRANCH_COLUMNS: readonly Column<BranchEntry>[] = [
  ...BRANCH_KEY,
  ...BRANCH_PROGRESS,
  { name: 'url', kind: 'text', value: ({ branch }) => branch.url },
  { name: 'bin_data', kind: 'bytes', value: ({ branch }) => payloadBytes(branch.payload) },
  // a payload that Go dtm wrote may be text or bytes
  { name: 'is_text', kind: 'flag', value: ({ branch }) => typeof branch.payload === 'string' },
  { name: 'create_time', kind: 'time', value: (entry) => encodeTime(entry.time) },
];

/** Combines branches with their gid and the time of the write. */
export function branchEntries(gid: string, branches: readonly BranchRecord[], time: number): BranchEntry[] {
  return branches.map((branch) => ({ gid, branch, time }));
}

/** The value of an `owner` column; undefined when there is no owner. */
export function encodeOwner(owner: string | undefined): string | undefined {
  return owner && OWNER_PREFIX + owner;
}

/** The JSON that Go dtm stores in this column. */
function encodeOptions({ options, concurrent = false, retryCount }: TransactionRecord): string {
  return JSON.stringify({ ...encodeTransactionOptions(options), concurrent, retry_count: retryCount });
}

function encodeTime(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(Math.max(value, 0), MAX_TIME);
}

function encodeInteger(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(Math.trunc(value), MAX_INTEGER);
}
