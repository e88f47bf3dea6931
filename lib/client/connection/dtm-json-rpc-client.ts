import { randomUUID } from 'node:crypto';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  encodeBranchRegistration,
  encodeTransactionRequest,
  errorText,
  jsonReader,
  type DtmError,
  type DtmConnection,
  type JsonReader,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { HttpRequester, type HttpResponse } from '../../transport/index.js';
import { dtmHttpClient, type DtmHttpClientOptions } from './dtm-http-client.js';

/** Options of {@link dtmJsonRpcClient}: those of HTTP. */
export type DtmJsonRpcClientOptions = DtmHttpClientOptions;

/** Path of the JSON-RPC API. */
const PATH = '/api/json-rpc';

/** Codes that decide something; Go dtm answers every other error with -32603. */
const FAILURE_CODE = -32901;
const ONGOING_CODE = -32902;
const PARAMS_CODE = -32602;

/** What came of a call. */
interface RpcAnswer {
  readonly result: unknown;
  readonly error: JsonReader | undefined;
  readonly code: number;
}

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
    const body = `{"jsonrpc":"2.0","id":"${randomUUID()}","method":"${method}","params":${params}}`;
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
    let answer: RpcAnswer;
    try {
      answer = answerIn(body);
    } catch (cause) {
      throw new DtmServerError(
        `dtm at ${address} answered ${method} with status ${status} and something else than expected: ${errorText(cause)}`,
        { cause, gid },
      );
    }
    if (answer.error) throw errorOf(method, answer.code, answer.error.text('message'), gid);
    if (status !== 200) throw new DtmServerError(`dtm refused ${method}: status ${status}`, { gid });
    return answer.result;
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

function answerIn(body: string): RpcAnswer {
  const value: unknown = JSON.parse(body);
  const error = jsonReader(value, 'it').object('error');
  const { result, error: fields } = value as { result?: unknown; error?: { code?: unknown } | null };
  if (!error && result === undefined) throw new Error('it has neither result nor error');
  // codes are negative, and some servers write them as texts
  return { result, error, code: Number(fields?.code) };
}

function errorOf(method: string, code: number, message: string, gid?: string): DtmError {
  const reason = message.replace(/(^| )(FAILURE|ONGOING)$/, '');
  if (code === FAILURE_CODE) return new DtmFailureError(reason || `${method} failed`, { gid });
  if (code === ONGOING_CODE) return new DtmOngoingError(reason || `${method} is not decided yet`, { gid });
  if (code === PARAMS_CODE) return new DtmArgumentError(`dtm refused ${method}: ${message}`, { gid });
  return new DtmServerError(`dtm refused ${method}: error ${code}: ${message}`, { gid });
}
