import { decodeTransactionOptions, encodeTransactionOptions, type TransactionOptions } from './transaction-request.js';
import { jsonReader, parseJson, type JsonReader } from '../json-reader.js';
import { payloadBytes, type Payload } from '../payload.js';
import {
  isFinal,
  type BranchOp,
  type BranchStatus,
  type GlobalStatus,
  type Protocol,
  type TransType,
} from '../vocabulary.js';

/** A global transaction as the coordinator stores and shows it: docs/protocol.md#transaction-record. Times are UTC milliseconds. */
export interface TransactionRecord {
  /** Global id. */
  readonly gid: string;
  /** Mode. */
  readonly transType: TransType;
  /** State. */
  readonly status: GlobalStatus;
  /** How the coordinator calls the branches. */
  readonly protocol: Protocol;
  /** Options of the branch calls. */
  readonly options: TransactionOptions;
  /** See `TransactionRequest.queryPrepared`. @default none */
  readonly queryPrepared?: string | undefined;
  /** See `TransactionRequest.customData`. */
  readonly customData?: string | undefined;
  /** When the transaction was created. */
  readonly createTime: number;
  /** When the transaction was changed last. */
  readonly updateTime: number;
  /** When the transaction became `succeed`. */
  readonly finishTime?: number | undefined;
  /** When the transaction became `failed`. */
  readonly rollbackTime?: number | undefined;
  /** Why the transaction is rolled back. */
  readonly rollbackReason?: string | undefined;
  /** Result of a workflow, base64. */
  readonly result?: string | undefined;
  /** Current retry interval in seconds. */
  readonly nextCronInterval: number;
  /** When the transaction is due again, if nothing happens before. */
  readonly nextCronTime: number;
  /** Process that holds the lease of the transaction. */
  readonly owner?: string | undefined;
  /** Message: the steps are called in parallel. */
  readonly concurrent?: boolean | undefined;
  /** Saga: number of unknown outcomes of actions so far. Message and workflow: number of times that `queryPrepared` was refused. */
  readonly retryCount?: number | undefined;
  /** Why an operator should look at the transaction: a branch keeps answering what waiting does not change. */
  readonly attention?: string | undefined;
}

/** One operation of one branch as the coordinator stores and shows it: docs/protocol.md#branch-record. */
export interface BranchRecord {
  /** Id of the branch within the transaction. */
  readonly branchId: string;
  /** Operation. */
  readonly op: BranchOp;
  /** URL of the call; an empty URL succeeds without a call. */
  readonly url: string;
  /** Body of the call. */
  readonly payload: Payload;
  /** State. */
  readonly status: BranchStatus;
  /** When the state was decided. */
  readonly finishTime?: number | undefined;
  /** Number of calls so far that were answered or timed out. */
  readonly attempts?: number | undefined;
  /** Number of answers so far that waiting does not change: a failure of what must not fail, a 404. */
  readonly failures?: number | undefined;
  /** Answer of the last call that did not succeed. */
  readonly lastError?: string | undefined;
  /**
   * The coordinator does not call the branch now, because its target does not answer. Told by `query` only, and by the coordinator
   * that made the calls. @default false
   */
  readonly heldBack?: boolean | undefined;
}

/** A transaction with its branches in the order of registration. */
export interface TransactionDetails {
  /** The global transaction. */
  readonly transaction: TransactionRecord;
  /** The branch operations. */
  readonly branches: readonly BranchRecord[];
}

/** One page of `DtmApi.all`. */
export interface TransactionPage {
  /** Transactions of the page. */
  readonly transactions: readonly TransactionRecord[];
  /** `position` of the next page; `''` on the last page. */
  readonly nextPosition: string;
}

/** The JSON object by which the HTTP API shows a transaction: docs/protocol.md#transaction-record. */
export function encodeTransactionRecord(record: TransactionRecord): Record<string, unknown> {
  const options = encodeTransactionOptions(record.options);
  return {
    id: 0,
    create_time: timeText(record.createTime),
    update_time: timeText(record.updateTime),
    gid: record.gid,
    trans_type: record.transType,
    status: record.status,
    query_prepared: record.queryPrepared || undefined,
    protocol: record.protocol,
    finish_time: timeText(record.finishTime),
    rollback_time: timeText(record.rollbackTime),
    result: record.result || undefined,
    rollback_reason: record.rollbackReason || undefined,
    options: JSON.stringify({ ...options, concurrent: record.concurrent ?? false }),
    custom_data: record.customData || undefined,
    next_cron_interval: record.nextCronInterval || undefined,
    next_cron_time: timeText(record.nextCronTime),
    owner: record.owner || undefined,
    ...options,
    concurrent: record.concurrent ?? false,
    retry_count: record.retryCount || undefined,
    attention: record.attention || undefined,
  };
}

/**
 * The JSON objects by which the HTTP API shows branches, each made when it is read. Go dtm has no `attempts`, `failures`,
 * `last_error`, `held_back` and `next_time`.
 *
 * @param transaction - of the branches; has the times that branches do not store
 */
export function* encodeBranchRecords(
  branches: readonly BranchRecord[],
  transaction: TransactionRecord,
): Generator<Record<string, unknown>> {
  // written once: thousands of branches share them
  const createTime = timeText(transaction.createTime);
  const updateTime = timeText(transaction.updateTime);
  const nextTime = timeText(transaction.nextCronTime);
  for (const branch of branches) {
    const finishTime = timeText(branch.finishTime);
    yield {
      id: 0,
      create_time: createTime,
      update_time: finishTime ?? updateTime,
      gid: transaction.gid,
      url: branch.url || undefined,
      bin_data: branch.payload.length === 0 ? undefined : base64(branch.payload),
      branch_id: branch.branchId,
      op: branch.op,
      status: branch.status,
      finish_time: finishTime,
      attempts: branch.attempts || undefined,
      failures: branch.failures || undefined,
      last_error: branch.lastError || undefined,
      held_back: branch.heldBack || undefined,
      next_time: isTriedAgain(branch, transaction) ? nextTime : undefined,
    };
  }
}

/**
 * Reads a transaction as any coordinator shows it.
 *
 * @throws DtmArgumentError when a field has the wrong type
 */
export function decodeTransactionRecord(json: JsonReader): TransactionRecord {
  const createTime = json.time('create_time') ?? 0;
  const options = json.text('options');
  return {
    gid: json.text('gid'),
    transType: json.text('trans_type') as TransType,
    status: json.text('status') as GlobalStatus,
    protocol: (json.text('protocol') || 'http') as Protocol,
    // SQL stores of Go dtm show the options only in this JSON text
    options: decodeTransactionOptions(
      options ? jsonReader(parseJson(options, 'options', '{"wait_result":true}'), 'options') : json,
    ),
    queryPrepared: json.text('query_prepared') || undefined,
    customData: json.text('custom_data') || undefined,
    createTime,
    updateTime: json.time('update_time') ?? createTime,
    finishTime: json.time('finish_time'),
    rollbackTime: json.time('rollback_time'),
    rollbackReason: json.text('rollback_reason') || undefined,
    result: json.text('result') || undefined,
    nextCronInterval: json.count('next_cron_interval'),
    nextCronTime: json.time('next_cron_time') ?? 0,
    owner: json.text('owner') || undefined,
    concurrent: json.boolean('concurrent') || undefined,
    retryCount: json.count('retry_count') || undefined,
    attention: json.text('attention') || undefined,
  };
}

/**
 * Reads a branch as any coordinator shows it.
 *
 * @throws DtmArgumentError when a field has the wrong type
 */
export function decodeBranchRecord(json: JsonReader): BranchRecord {
  return {
    branchId: json.text('branch_id'),
    op: json.text('op') as BranchOp,
    url: json.text('url'),
    payload: Buffer.from(json.text('bin_data'), 'base64'),
    status: json.text('status') as BranchStatus,
    finishTime: json.time('finish_time'),
    attempts: json.count('attempts') || undefined,
    failures: json.count('failures') || undefined,
    lastError: json.text('last_error') || undefined,
    ...(json.boolean('held_back') && { heldBack: true }),
  };
}

/** Whether the branch was called without a decision: it is called again when its transaction is due. */
function isTriedAgain(branch: BranchRecord, transaction: TransactionRecord): boolean {
  return branch.status === 'prepared' && Boolean(branch.attempts) && !isFinal(transaction.status);
}

function base64(payload: Payload): string {
  // no copy of bytes that are a Buffer already
  const bytes = payloadBytes(payload);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function timeText(time: number): string;
function timeText(time: number | undefined): string | undefined;
function timeText(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
