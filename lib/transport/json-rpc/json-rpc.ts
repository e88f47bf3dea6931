import { randomUUID } from 'node:crypto';
import { DtmArgumentError, payloadText, readHttpOutcome, type Outcome } from '../../protocol/internal.js';
import type { OutgoingBranchCall } from '../transport.js';

/** Error codes by which a branch decides. */
const FAILURE_CODE = -32901;
const ONGOING_CODE = -32902;

/**
 * Whether a branch is called by JSON-RPC: docs/protocol.md#branch-urls.
 *
 * @param call - the call
 */
export function isJsonRpc({ protocol, url }: OutgoingBranchCall): boolean {
  return protocol === 'json-rpc' && URL.canParse(url) && new URL(url).searchParams.has('method');
}

/**
 * The request of a JSON-RPC call: the payload's fields and the branch parameters are its params.
 *
 * @param call - the call
 * @throws DtmArgumentError when the payload is not a JSON object
 */
export function jsonRpcRequest({ url, context, payload }: OutgoingBranchCall): {
  method: 'POST';
  url: string;
  body: string;
} {
  const { gid, transType, branchId, op } = context;
  const params = { ...objectIn(payloadText(payload)), branch_id: branchId, gid, op, trans_type: transType };
  const method = new URL(url).searchParams.get('method');
  return { method: 'POST', url, body: JSON.stringify({ id: randomUUID(), jsonrpc: '2.0', method, params }) };
}

/**
 * Reads the answer to a JSON-RPC call: first like any HTTP answer, then by its error's code.
 *
 * @param status - HTTP status
 * @param body - whole body text
 */
export function readJsonRpcOutcome(status: number, body: string): Outcome {
  const outcome = readHttpOutcome(status, body);
  if (outcome.kind !== 'success') return outcome;
  let answer: { error?: { code?: unknown; message?: unknown } | null } | null;
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch (cause) {
    return { kind: 'unknown', message: 'the answer to a JSON-RPC call is not JSON', cause };
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return { kind: 'unknown', message: 'the answer to a JSON-RPC call is not a JSON object' };
  }
  const { error } = answer;
  if (!error) return outcome;
  const message = typeof error.message === 'string' ? error.message : JSON.stringify(error);
  if (error.code === FAILURE_CODE) return { kind: 'failure', message };
  if (error.code === ONGOING_CODE) return { kind: 'ongoing', message };
  return { kind: 'unknown', message: `error ${String(error.code)}: ${message}` };
}

function objectIn(payload: string): object {
  if (payload === '') return {};
  const value: unknown = JSON.parse(payload);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  // what other SDKs send for "no payload"
  if (value === null) return {};
  throw new DtmArgumentError('the payload of a JSON-RPC branch must be a JSON object');
}
