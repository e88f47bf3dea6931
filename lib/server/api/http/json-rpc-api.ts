import {
  DtmArgumentError,
  DtmFailureError,
  DtmOngoingError,
  JSON_RPC_CODE,
  decodeBranchRegistration,
  decodeJsonRpcRequest,
  decodeTransactionRequest,
  encodeJsonRpcResponse,
  errorText,
  jsonReader,
  type JsonRpcError,
  type JsonRpcRequest,
} from '../../../protocol/internal.js';
import type { Coordinator } from '../../operations/coordinator.js';
import type { ErrorFilter } from '../hide-internal-errors.js';
import type { ApiAnswer, Routes } from './router.js';

/**
 * The JSON-RPC API, on the port of the HTTP API: docs/protocol.md#json-rpc-api.
 *
 * @param coordinator - runs the operations
 * @param errors - what callers may read of an error
 */
export function jsonRpcApi(coordinator: Coordinator, errors: ErrorFilter): Routes {
  const methods: Readonly<Record<string, (params: unknown) => Promise<unknown>>> = {
    newGid: async () => ({ gid: await coordinator.newGid() }),
    prepare: (params) => coordinator.prepare(decodeTransactionRequest(params)),
    submit: (params) => coordinator.submit(decodeTransactionRequest(params)),
    abort: (params) => coordinator.abort(decodeTransactionRequest(params)),
    registerBranch: (params) => coordinator.registerBranch(decodeBranchRegistration(parseStrings(params))),
  };
  return {
    'POST /api/json-rpc': async ({ body }) => {
      let request: JsonRpcRequest;
      try {
        request = decodeJsonRpcRequest(body);
      } catch (error) {
        const message = `Parse json error: ${errorText(error)}`;
        return {
          ...answer('', null, { code: JSON_RPC_CODE.PARSE_ERROR, message }),
          status: 400,
          contentType: 'text/plain; charset=utf-8',
        };
      }
      const { id, version, method, params } = request;
      if (id === '' || version !== '2.0') {
        return answer(id, null, {
          code: JSON_RPC_CODE.INVALID_REQUEST,
          message: `Bad json request: ${JSON.stringify({ id, jsonrpc: version, method })}`,
        });
      }
      const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!run) {
        return answer(id, null, { code: JSON_RPC_CODE.METHOD_NOT_FOUND, message: `Method not found: ${method}` });
      }
      try {
        return answer(id, (await run(params)) ?? null);
      } catch (thrown) {
        const error = errors(thrown);
        const message = errorText(error);
        if (error instanceof DtmFailureError) return answer(id, {}, { code: JSON_RPC_CODE.FAILURE, message });
        if (error instanceof DtmOngoingError) return answer(id, null, { code: JSON_RPC_CODE.ONGOING, message });
        return answer(id, null, { code: JSON_RPC_CODE.INTERNAL_ERROR, message });
      }
    },
  };
}

function answer(id: string, result: unknown, error?: JsonRpcError): ApiAnswer {
  return { status: 200, body: encodeJsonRpcResponse(id, result, error) };
}

function parseStrings(params: unknown): Record<string, string> {
  const texts = jsonReader({ params }, 'the request').texts('params');
  if (!texts) throw new DtmArgumentError('params must be an object of strings');
  return texts;
}
