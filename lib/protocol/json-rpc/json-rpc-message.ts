import { parseBoundedJson } from '../bounded-json.js';
import { jsonReader } from '../json-reader.js';
import { stringifyEscaped } from '../outcome/outcome-words.js';

/** A JSON-RPC request as it came: docs/protocol.md#json-rpc-api. A field that is missing is `''`. */
export interface JsonRpcRequest {
  readonly id: string;
  /** `2.0`. */
  readonly version: string;
  readonly method: string;
  readonly params: unknown;
}

/** An error in a JSON-RPC response. */
export interface JsonRpcError {
  /** One of `JSON_RPC_CODE`, or another. */
  readonly code: number;
  readonly message: string;
}

/** A JSON-RPC response. */
export interface JsonRpcResponse {
  readonly result: unknown;
  readonly error: JsonRpcError | undefined;
}

/**
 * Writes a JSON-RPC request.
 *
 * @param id - told back in the response
 * @param params - JSON text
 */
export function encodeJsonRpcRequest(id: string, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`;
}

/**
 * Reads a JSON-RPC request.
 *
 * @param body - JSON text
 * @throws SyntaxError or DtmArgumentError when the body is not a JSON object, or a field has the wrong type
 */
export function decodeJsonRpcRequest(body: string): JsonRpcRequest {
  const value = parseBoundedJson(body);
  const json = jsonReader(value, 'the request');
  return {
    id: json.text('id'),
    version: json.text('jsonrpc'),
    method: json.text('method'),
    params: (value as { params?: unknown }).params,
  };
}

/**
 * Writes a JSON-RPC response. Clients look for outcome words in the whole text, so they are escaped in it.
 *
 * @param id - of the request
 * @param result - what the method returned
 * @param error - why it did not. @default none
 */
export function encodeJsonRpcResponse(id: string, result: unknown, error: JsonRpcError | null = null): string {
  return stringifyEscaped({ error, id, jsonrpc: '2.0', result });
}

/**
 * Reads a JSON-RPC response.
 *
 * @param body - JSON text
 * @throws SyntaxError or DtmArgumentError when the body is not a JSON object, or its error is not an object
 */
export function decodeJsonRpcResponse(body: string): JsonRpcResponse {
  const value: unknown = JSON.parse(body);
  const hasError = jsonReader(value, 'the response').object('error') !== undefined;
  const { result, error } = value as { result?: unknown; error?: { code?: unknown; message?: unknown } };
  if (!hasError || !error) return { result, error: undefined };
  const { code, message } = error;
  // some servers write codes as texts
  return {
    result,
    error: { code: Number(code ?? 0), message: typeof message === 'string' ? message : JSON.stringify(error) },
  };
}
