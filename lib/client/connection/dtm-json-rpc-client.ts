import { randomUUID } from 'node:crypto';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmServerError,
  JSON_RPC_CODE,
  decodeJsonRpcResponse,
  encodeBranchRegistration,
  encodeJsonRpcRequest,
  encodeTransactionRequest,
  outcomeError,
  type DtmConnection,
  type DtmError,
  type JsonRpcError,
  type JsonRpcResponse,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { HttpRequester, type HttpResponse } from '../../transport/index.js';
import { assertNewGid, assertNoRedirect, isProxyError, noAnswer, unexpectedAnswer } from './call-errors.js';
import { dtmHttpClient, type DtmHttpClientOptions } from './dtm-http-client.js';

/** Options of {@link dtmJsonRpcClient}, the same as those of {@link dtmHttpClient}. */
export type DtmJsonRpcClientOptions = DtmHttpClientOptions;

/** Path of the JSON-RPC API. */
const PATH = '/api/json-rpc';

/**
 * Creates a client of the JSON-RPC API of a coordinator. Operations that this API lacks use the HTTP API of the same host.
 * In transactions of this client, a branch is called by JSON-RPC when its URL has the parameter `method`. See
 * docs/protocol.md#json-rpc-api.
 *
 * @param url - for example `http://localhost:36789/api/json-rpc`; the HTTP API has the path `/api/dtmsvr` instead
 * @param options - time-out, headers, connections
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
      throw noAnswer({ address, operation: method, gid }, cause);
    }
  };

  const call = async (method: string, params: string, gid?: string): Promise<unknown> => {
    const answer = await send(method, params, gid);
    assertNoRedirect(answer, method, gid);
    if (isProxyError(answer)) {
      throw noAnswer({ address, operation: method, gid }, new Error(`a proxy answered ${answer.status}`));
    }
    const { status, body } = answer;
    let response: JsonRpcResponse;
    try {
      response = decodeJsonRpcResponse(body);
      if (!response.error && response.result === undefined) throw new Error('it has neither result nor error');
    } catch (cause) {
      throw unexpectedAnswer({ address, operation: `${method} with status ${status}`, gid }, cause);
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
      return assertNewGid((result as { gid?: unknown } | null)?.gid, address);
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
  if (code === JSON_RPC_CODE.FAILURE) return outcomeError({ kind: 'failure', message }, method, { gid });
  if (code === JSON_RPC_CODE.ONGOING) return outcomeError({ kind: 'ongoing', message }, method, { gid });
  if (code === JSON_RPC_CODE.INVALID_PARAMS) return new DtmArgumentError(`dtm refused ${method}: ${message}`, { gid });
  return new DtmServerError(`dtm refused ${method}: error ${code}: ${message}`, { gid });
}
