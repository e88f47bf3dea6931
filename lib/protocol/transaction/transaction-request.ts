import { DtmArgumentError } from '../errors.js';
import { jsonReader, type JsonReader } from '../json-reader.js';
import { payloadText, type Payload } from '../payload.js';
import type { Protocol, TransType } from '../vocabulary.js';
import { decodeTimeouts, encodeBranchTimeouts, longestTimeout } from './branch-timeouts.js';

/** Options of a global transaction that apply to all its branch calls. */
export interface TransactionOptions {
  /** The coordinator answers only after the first pass over the branches. @default false */
  readonly waitResult?: boolean | undefined;
  /** Seconds until an undecided transaction is rolled back, or the query-back of a message is made. @default none for saga, 35 otherwise */
  readonly timeoutToFailSeconds?: number | undefined;
  /** Time-out of one branch call in seconds. @default 3, or as the coordinator is configured */
  readonly requestTimeoutSeconds?: number | undefined;
  /**
   * Time-outs of single branches in seconds, by URL, instead of `requestTimeoutSeconds`. `branchOf()` adds those of the branch
   * decorators. Go dtm has one time-out for all calls, and gets the longest.
   *
   * @default none
   */
  readonly branchTimeoutSeconds?: Readonly<Record<string, number>> | undefined;
  /** Retry interval in seconds. @default 10, or as the coordinator is configured */
  readonly retryIntervalSeconds?: number | undefined;
  /** Saga: number of passes without a decision after which the saga is rolled back. @default no limit */
  readonly retryLimit?: number | undefined;
  /** Headers of every branch call; they take precedence over dtm's own. @default none */
  readonly branchHeaders?: Readonly<Record<string, string>> | undefined;
}

/** URLs of one step of a saga or message; a message has no `compensate`. */
export interface StepUrls {
  /** URL that does the step; empty = nothing to call. */
  readonly action: string;
  /** URL that undoes the step; empty = nothing to undo. @default none */
  readonly compensate?: string | undefined;
}

/** Request of an initiator about a global transaction: the body of prepare and submit. */
export interface TransactionRequest extends TransactionOptions {
  /** Global id. */
  readonly gid: string;
  /** Mode. A request from the network may have another text here. */
  readonly transType: TransType;
  /** Steps in order. @default none */
  readonly steps?: readonly StepUrls[] | undefined;
  /** One payload for each step. @default none */
  readonly payloads?: readonly Payload[] | undefined;
  /** URL that tells whether the local transaction committed (message), or that runs the workflow. @default none */
  readonly queryPrepared?: string | undefined;
  /** JSON text whose shape depends on the mode: docs/protocol.md#transaction-body. @default none */
  readonly customData?: string | undefined;
  /** How the coordinator calls the branches. @default 'http' */
  readonly protocol?: Protocol | undefined;
  /** Message: the steps are called in parallel; a saga has this in `customData`. @default false */
  readonly concurrent?: boolean | undefined;
  /** Saga: start value of the retry counter. @default 0 */
  readonly retryCount?: number | undefined;
  /** Why the initiator gives up. @default none */
  readonly rollbackReason?: string | undefined;
  /** Status and result of a workflow; in the abort of a TCC, the branches that have nothing to undo. @default none */
  readonly reqExtra?: Readonly<Record<string, string>> | undefined;
}

/**
 * Writes the JSON body of prepare, submit and abort, without fields that have no value.
 *
 * @throws DtmArgumentError when a payload is bytes that are not UTF-8
 */
export function encodeTransactionRequest(request: TransactionRequest): string {
  return JSON.stringify({
    gid: request.gid,
    trans_type: request.transType,
    custom_data: request.customData || undefined,
    query_prepared: request.queryPrepared || undefined,
    // written out: a spread would take longer than all the rest
    wait_result: request.waitResult || undefined,
    timeout_to_fail: request.timeoutToFailSeconds || undefined,
    request_timeout: longestTimeout(request) || undefined,
    branch_timeouts: encodeBranchTimeouts(request),
    retry_interval: request.retryIntervalSeconds || undefined,
    branch_headers: request.branchHeaders,
    retry_limit: request.retryLimit || undefined,
    concurrent: request.concurrent || undefined,
    retry_count: request.retryCount || undefined,
    rollback_reason: request.rollbackReason || undefined,
    req_extra: request.reqExtra,
    steps: request.steps,
    payloads: request.payloads?.map(payloadText),
    protocol: request.protocol,
  });
}

/** The transaction options by their wire names, without options that are not set. */
export function encodeTransactionOptions(options: TransactionOptions): Record<string, unknown> {
  return {
    wait_result: options.waitResult || undefined,
    timeout_to_fail: options.timeoutToFailSeconds || undefined,
    request_timeout: longestTimeout(options) || undefined,
    branch_timeouts: encodeBranchTimeouts(options),
    retry_interval: options.retryIntervalSeconds || undefined,
    branch_headers: options.branchHeaders,
    retry_limit: options.retryLimit || undefined,
  };
}

/**
 * Reads the transaction options from a JSON object.
 *
 * @throws DtmArgumentError when a field has the wrong type
 */
export function decodeTransactionOptions(json: JsonReader): TransactionOptions {
  return {
    waitResult: json.boolean('wait_result') || undefined,
    timeoutToFailSeconds: json.count('timeout_to_fail') || undefined,
    ...decodeTimeouts(json),
    retryIntervalSeconds: json.count('retry_interval') || undefined,
    branchHeaders: json.texts('branch_headers'),
    retryLimit: json.count('retry_limit') || undefined,
  };
}

/**
 * Reads the body of prepare, submit and abort: docs/protocol.md#transaction-body. A payload may stand in its step as `data`.
 *
 * @param body - parsed JSON
 * @returns the request; `gid` and `transType` are not checked, and `''` when absent
 * @throws DtmArgumentError when the body is not an object or a field has the wrong type
 */
export function decodeTransactionRequest(body: unknown): TransactionRequest {
  const json = jsonReader(body, 'the request body');
  const steps = json.objects('steps');
  const embedded = steps.map((step) => step.text('data')).filter((data) => data !== '');
  return {
    gid: json.text('gid'),
    transType: json.text('trans_type') as TransType,
    steps: steps.map((step) => ({ action: step.text('action'), compensate: step.text('compensate') || undefined })),
    payloads: [...json.textList('payloads'), ...embedded],
    queryPrepared: json.text('query_prepared') || undefined,
    customData: json.text('custom_data') || undefined,
    protocol: parseProtocol(json.text('protocol') || 'http'),
    ...decodeTransactionOptions(json),
    concurrent: json.boolean('concurrent') || undefined,
    retryCount: json.count('retry_count') || undefined,
    rollbackReason: json.text('rollback_reason') || undefined,
    reqExtra: json.texts('req_extra'),
  };
}

/** @throws DtmArgumentError naming the value */
export function parseProtocol(value: unknown): Protocol {
  if (value === 'http' || value === 'grpc' || value === 'json-rpc') return value;
  throw new DtmArgumentError(`protocol must be http, grpc or json-rpc, not ${JSON.stringify(value)}`);
}
