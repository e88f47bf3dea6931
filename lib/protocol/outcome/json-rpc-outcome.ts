import { errorText } from '../error-text.js';
import { JSON_RPC_CODE } from '../json-rpc/json-rpc-code.js';
import { decodeJsonRpcResponse, type JsonRpcResponse } from '../json-rpc/json-rpc-message.js';
import { readHttpOutcome } from './http-outcome.js';
import type { Outcome } from './outcome.js';
import { reasonIn } from './reason.js';

/** Codes of a method that does not exist, or does not take such a request. */
const DEFINITE: ReadonlySet<number> = new Set([
  JSON_RPC_CODE.PARSE_ERROR,
  JSON_RPC_CODE.INVALID_REQUEST,
  JSON_RPC_CODE.METHOD_NOT_FOUND,
  JSON_RPC_CODE.INVALID_PARAMS,
]);

/**
 * Reads the answer to a JSON-RPC call of a branch: first like any HTTP answer, then by the code of its error. See
 * docs/protocol.md#json-rpc-branch-calls.
 *
 * @param status - HTTP status
 * @param body - whole body text
 */
export function readJsonRpcOutcome(status: number, body: string): Outcome {
  const outcome = readHttpOutcome(status, body);
  if (outcome.kind !== 'success') return outcome;
  let response: JsonRpcResponse;
  try {
    response = decodeJsonRpcResponse(body);
  } catch (cause) {
    return {
      kind: 'unknown',
      message: `the answer is not a JSON-RPC response: ${errorText(cause)}`,
      cause,
      definite: true,
    };
  }
  const { error } = response;
  if (!error) return outcome;
  const message = reasonIn(error.message);
  if (error.code === JSON_RPC_CODE.FAILURE) return { kind: 'failure', message };
  if (error.code === JSON_RPC_CODE.ONGOING) return { kind: 'ongoing', message };
  return { kind: 'unknown', message: `error ${error.code}: ${message}`, definite: DEFINITE.has(error.code) };
}
