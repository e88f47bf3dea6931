import { decodeBranchRegistration, type BranchRegistration } from '../branch/branch-registration.js';
import { DtmArgumentError } from '../errors.js';
import { parseJson } from '../json-reader.js';
import { payloadBytes } from '../payload.js';
import { messageCodec } from '../protobuf/message-codec.js';
import { WORKFLOW_PROTO } from './definitions/workflow-proto.js';
import { encodeBranchTimeouts, longestTimeout } from '../transaction/branch-timeouts.js';
import type { TransactionDetails } from '../transaction/transaction-record.js';
import { decodeTransactionRequest, type TransactionRequest } from '../transaction/transaction-request.js';

/** Key of the time-outs of single branches in `ReqExtra`, because the message of dtm has no field for them. */
const TIMEOUTS = 'branch_timeouts';

const workflowData = messageCodec('workflow.WorkflowData', [WORKFLOW_PROTO]);

/** `DtmTransOptions`: docs/protocol.md#grpc-messages. Times are in seconds. */
export interface DtmTransOptionsMessage {
  readonly WaitResult: boolean;
  readonly TimeoutToFail: number;
  readonly RetryInterval: number;
  readonly BranchHeaders: Readonly<Record<string, string>>;
  readonly RequestTimeout: number;
  readonly RetryLimit: number;
}

/** `DtmRequest`: docs/protocol.md#grpc-messages. */
export interface DtmRequestMessage {
  readonly Gid: string;
  readonly TransType: string;
  readonly TransOptions: DtmTransOptionsMessage | null;
  readonly CustomedData: string;
  readonly BinPayloads: readonly Uint8Array[];
  readonly QueryPrepared: string;
  /** JSON text: an array of objects of strings. */
  readonly Steps: string;
  readonly ReqExtra: Readonly<Record<string, string>>;
  readonly RollbackReason: string;
}

/** `DtmBranchRequest`: docs/protocol.md#grpc-messages. */
export interface DtmBranchRequestMessage {
  readonly Gid: string;
  readonly TransType: string;
  readonly BranchID: string;
  readonly Data: Readonly<Record<string, string>>;
  readonly BusiPayload: Uint8Array;
}

/** `DtmTopicRequest`. */
export interface DtmTopicRequestMessage {
  readonly Topic: string;
  readonly URL: string;
  readonly Remark: string;
}

/** `DtmProgressesReply`. */
export interface DtmProgressesReplyMessage {
  readonly Transaction: {
    readonly Gid: string;
    readonly Status: string;
    readonly RollbackReason: string;
    /** Base64. */
    readonly Result: string;
  };
  readonly Progresses: readonly {
    readonly Status: string;
    readonly BinData: Uint8Array;
    readonly BranchID: string;
    readonly Op: string;
  }[];
}

/**
 * Reads a `DtmRequest`; its branches are called over gRPC.
 *
 * @param message - every field set, as protobuf readers give it
 * @returns the request; `gid` and `transType` are not checked, and `''` when absent
 * @throws DtmArgumentError when Steps is not a JSON array of objects of strings, or a number is negative or too large
 */
export function decodeTransactionMessage(message: DtmRequestMessage): TransactionRequest {
  const { TransOptions: options, BinPayloads: payloads } = message;
  const request = decodeTransactionRequest({
    gid: message.Gid,
    trans_type: message.TransType,
    custom_data: message.CustomedData,
    query_prepared: message.QueryPrepared,
    steps: stepsIn(message.Steps),
    req_extra: message.ReqExtra,
    rollback_reason: message.RollbackReason,
    wait_result: options?.WaitResult,
    timeout_to_fail: options?.TimeoutToFail,
    retry_interval: options?.RetryInterval,
    branch_headers: options?.BranchHeaders,
    request_timeout: options?.RequestTimeout,
    branch_timeouts: timeoutsIn(message.ReqExtra),
    retry_limit: options?.RetryLimit,
    protocol: 'grpc',
  });
  // old clients have payloads inside the steps
  return { ...request, payloads: [...payloads, ...(request.payloads ?? [])] };
}

/**
 * Writes a `DtmRequest`, whose branches are called over gRPC or, by their URLs, plainly over HTTP.
 *
 * @throws DtmArgumentError when the message lacks a field that the request needs: for JSON-RPC branches, a concurrent
 *   message, or a start value of the retry counter
 */
export function encodeTransactionMessage(request: TransactionRequest): DtmRequestMessage {
  const lacking = withoutField(request);
  if (lacking) {
    throw new DtmArgumentError(`the gRPC API of dtm has no field for ${lacking}; use a client over HTTP or JSON-RPC`, {
      gid: request.gid,
    });
  }
  const timeouts = encodeBranchTimeouts(request);
  return {
    Gid: request.gid,
    TransType: request.transType,
    TransOptions: {
      WaitResult: request.waitResult ?? false,
      TimeoutToFail: request.timeoutToFailSeconds ?? 0,
      RetryInterval: request.retryIntervalSeconds ?? 0,
      BranchHeaders: request.branchHeaders ?? {},
      RequestTimeout: longestTimeout(request) ?? 0,
      RetryLimit: request.retryLimit ?? 0,
    },
    CustomedData: request.customData ?? '',
    BinPayloads: (request.payloads ?? []).map(payloadBytes),
    QueryPrepared: request.queryPrepared ?? '',
    Steps: request.steps ? JSON.stringify(request.steps) : '',
    ReqExtra: timeouts ? { ...request.reqExtra, [TIMEOUTS]: JSON.stringify(timeouts) } : (request.reqExtra ?? {}),
    RollbackReason: request.rollbackReason ?? '',
  };
}

function withoutField({ protocol, transType, concurrent, retryCount }: TransactionRequest): string | undefined {
  if (protocol === 'json-rpc') return 'branches over JSON-RPC';
  if (concurrent && transType === 'msg') return 'concurrent messages';
  return retryCount ? 'retryCount' : undefined;
}

/** Writes a `DtmBranchRequest`. */
export function encodeBranchMessage(branch: BranchRegistration): DtmBranchRequestMessage {
  const head = { Gid: branch.gid, TransType: branch.transType, BranchID: branch.branchId };
  switch (branch.transType) {
    case 'tcc': {
      const { confirm, cancel, payload } = branch;
      return { ...head, Data: { confirm, cancel }, BusiPayload: payloadBytes(payload) };
    }
    case 'xa':
      return { ...head, Data: { url: branch.url }, BusiPayload: new Uint8Array() };
    case 'workflow': {
      const { op, status, payload } = branch;
      return { ...head, Data: { op, status }, BusiPayload: payloadBytes(payload) };
    }
  }
}

/**
 * Reads a `DtmBranchRequest`.
 *
 * @param message - every field set, as protobuf readers give it
 * @throws DtmArgumentError when a field is missing or malformed, or the mode has no branches to register
 */
export function decodeBranchMessage(message: DtmBranchRequestMessage): BranchRegistration {
  const branch = decodeBranchRegistration({
    ...message.Data,
    data: '',
    gid: message.Gid,
    trans_type: message.TransType,
    branch_id: message.BranchID,
  });
  return branch.transType === 'xa' ? branch : { ...branch, payload: message.BusiPayload };
}

/**
 * Writes a `DtmProgressesReply`: how far a workflow is, and its result when it has ended.
 *
 * @param details - the workflow with its recorded steps
 */
export function encodeProgresses({ transaction, branches }: TransactionDetails): DtmProgressesReplyMessage {
  return {
    Transaction: {
      Gid: transaction.gid,
      Status: transaction.status,
      RollbackReason: transaction.rollbackReason ?? '',
      Result: transaction.result ?? '',
    },
    Progresses: branches.map(({ status, payload, branchId, op }) => ({
      Status: status,
      BinData: payloadBytes(payload),
      BranchID: branchId,
      Op: op,
    })),
  };
}

/**
 * Writes a `WorkflowData`.
 *
 * @param data - input of the workflow
 */
export function encodeWorkflowData(data: Uint8Array): Uint8Array {
  return workflowData.encode({ Data: data });
}

function timeoutsIn(extra: DtmRequestMessage['ReqExtra']): unknown {
  const text = extra[TIMEOUTS];
  return text && parseJson(text, `ReqExtra.${TIMEOUTS}`, '{"http://bank/transOut":30}');
}

function stepsIn(text: string): unknown {
  if (text === '') return undefined;
  return parseJson(
    text,
    'Steps',
    '[{"action":"bank:50051/bank.Bank/TransOut","compensate":"bank:50051/bank.Bank/UndoTransOut"}]',
  );
}
