import { randomUUID } from 'node:crypto';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  JSON_RPC_CODE,
  decodeJsonRpcResponse,
  encodeBranchRegistration,
  encodeJsonRpcRequest,
  encodeTransactionRequest,
  errorText,
  stripOutcomeWord,
  type DtmConnection,
  type DtmError,
  type JsonRpcError,
  type JsonRpcResponse,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { HttpRequester, type HttpResponse } from '../../transport/index.js';
import { dtmHttpClient, type DtmHttpClientOptions } from './dtm-http-client.js';

/** Options of {@link dtmJsonRpcClient}: those of HTTP. */
export type DtmJsonRpcClientOptions = DtmHttpClientOptions;

/** Path of the JSON-RPC API. */
const PATH = '/api/json-rpc';

/**
 * A coordinator reached over its JSON-RPC API. What that API lacks is asked of the HTTP API of the
 * same host. Branches of its transactions are called by JSON-RPC where their URLs have a parameter `method`.
 *
 * @param url - e.g. `http://localhost:36789/api/json-rpc`; what stands before `/api/json-rpc` leads to the HTTP API, too
 * @param options - timeout, headers, pool
 * @throws DtmConfigError when the URL is not http or https, or does not end with `/api/json-rpc`
 */
export function dtmJsonRpcClient(url: string, options: DtmJsonRpcClientOptions = {}): DtmConnection {
  const address = url.replace(/\/+$/, '');
  if (!address.endsWith(PATH)) {
    throw new DtmConfigError(
      `server ${JSON.stringify(url)} does not end with ${PATH}; expected something like http://localhost:36789${PATH}`,
    );
  }
  const http = dtmHttpClient(`${address.slice(0, -PATH.length)}/api/dtmsvr`, options);
  const requester = new HttpRequester(options);
  const timeoutMs = (options.timeoutSeconds ?? 30) * 1000;

  const send = async (method: string, params: string, gid?: string): Promise<HttpResponse> => {
    const body = encodeJsonRpcRequest(randomUUID(), method, params);
    const headers = { 'content-type': 'application/json', ...options.headers };
    try {
      return await requester.request({ method: 'POST', url: address, of: 'coordinator', headers, body, timeoutMs });
    } catch (cause) {
      throw new DtmConnectionError(`dtm at ${address} gave no answer to ${method}: ${errorText(cause)}`, {
        cause,
        gid,
      });
    }
  };

  const call = async (method: string, params: string, gid?: string): Promise<unknown> => {
    const { status, body } = await send(method, params, gid);
    let response: JsonRpcResponse;
    try {
      response = decodeJsonRpcResponse(body);
      if (!response.error && response.result === undefined) throw new Error('it has neither result nor error');
    } catch (cause) {
      throw new DtmServerError(
        `dtm at ${address} answered ${method} with status ${status} and something else than expected: ${errorText(cause)}`,
        { cause, gid },
      );
    }
    if (response.error) throw errorOf(method, response.error, gid);
    if (status !== 200) throw new DtmServerError(`dtm refused ${method}: status ${status}`, { gid });
    return response.result;
  };

  const command = async (method: string, transaction: TransactionRequest): Promise<void> => {
    await call(method, encodeTransactionRequest(transaction), transaction.gid);
  };

  return {
    ...http,
    protocol: 'json-rpc',
    newGid: async () => {
      const result = await call('newGid', '{}');
      const { gid } = (result ?? {}) as { gid?: unknown };
      if (typeof gid !== 'string' || gid === '') {
        throw new DtmServerError(`dtm at ${address} answered newGid without a gid`);
      }
      return gid;
    },
    prepare: (transaction) => command('prepare', transaction),
    submit: (transaction) => command('submit', transaction),
    abort: (transaction) => command('abort', transaction),
    registerBranch: async (branch) => {
      await call('registerBranch', encodeBranchRegistration(branch), branch.gid);
    },
    async close() {
      await Promise.all([requester.close(), http.close()]);
    },
  };
}

function errorOf(method: string, { code, message }: JsonRpcError, gid?: string): DtmError {
  const reason = stripOutcomeWord(message);
  if (code === JSON_RPC_CODE.FAILURE) return new DtmFailureError(reason || `${method} failed`, { gid });
  if (code === JSON_RPC_CODE.ONGOING) return new DtmOngoingError(reason || `${method} is not decided yet`, { gid });
  if (code === JSON_RPC_CODE.INVALID_PARAMS) return new DtmArgumentError(`dtm refused ${method}: ${message}`, { gid });
  return new DtmServerError(`dtm refused ${method}: error ${code}: ${message}`, { gid });
}
