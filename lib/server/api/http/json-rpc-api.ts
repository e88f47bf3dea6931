import {
  DtmArgumentError,
  DtmFailureError,
  decodeBranchRegistration,
  decodeTransactionRequest,
  errorText,
  jsonReader,
  stringifyQuietly,
} from '../../../protocol/internal.js';
import type { Operations } from '../operations.js';
import type { ApiAnswer, Routes } from './router.js';

/** Error codes of JSON-RPC, and of dtm. */
const CODES = { parse: -32700, request: -32600, method: -32601, internal: -32603, failure: -32901 } as const;

interface RpcError {
  readonly code: number;
  readonly message: string;
}

/**
 * The JSON-RPC API, on the port of the HTTP API: docs/protocol.md#json-rpc-api.
 *
 * @param operations - what it offers
 */
export function jsonRpcApi({ coordinator }: Operations): Routes {
  const methods: Readonly<Record<string, (params: unknown) => Promise<unknown>>> = {
    newGid: async () => ({ gid: await coordinator.newGid() }),
    prepare: (params) => coordinator.prepare(decodeTransactionRequest(params)),
    submit: (params) => coordinator.submit(decodeTransactionRequest(params)),
    abort: (params) => coordinator.abort(decodeTransactionRequest(params)),
    registerBranch: (params) => coordinator.registerBranch(decodeBranchRegistration(parseTexts(params))),
  };
  return {
    'POST /api/json-rpc': async ({ body }) => {
      let request: { id: string; version: string; method: string; params: unknown };
      try {
        request = parseRequest(JSON.parse(body));
      } catch (error) {
        const message = `Parse json error: ${errorText(error)}`;
        return {
          ...answer('', null, { code: CODES.parse, message }),
          status: 400,
          contentType: 'text/plain; charset=utf-8',
        };
      }
      const { id, version, method, params } = request;
      if (id === '' || version !== '2.0') {
        return answer(id, null, {
          code: CODES.request,
          message: `Bad json request: ${JSON.stringify({ id, jsonrpc: version, method })}`,
        });
      }
      const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!run) return answer(id, null, { code: CODES.method, message: `Method not found: ${method}` });
      try {
        return answer(id, (await run(params)) ?? null, null);
      } catch (error) {
        const message = errorText(error);
        if (error instanceof DtmFailureError) return answer(id, {}, { code: CODES.failure, message });
        return answer(id, null, { code: CODES.internal, message });
      }
    },
  };
}

function parseRequest(body: unknown): { id: string; version: string; method: string; params: unknown } {
  const json = jsonReader(body, 'the request');
  return {
    id: json.text('id'),
    version: json.text('jsonrpc'),
    method: json.text('method'),
    params: (body as { params?: unknown }).params,
  };
}

/** Clients look for the words of an outcome in the whole text, so only a refusal may hold one. */
function answer(id: string, result: unknown, error: RpcError | null): ApiAnswer {
  return { status: 200, body: stringifyQuietly({ error, id, jsonrpc: '2.0', result }) };
}

function parseTexts(params: unknown): Record<string, string> {
  const texts = jsonReader({ params }, 'the request').texts('params');
  if (!texts) throw new DtmArgumentError('params must be an object of texts');
  return texts;
}
