import type { HttpNameResolver } from '../../driver/index.js';
import {
  DtmConfigError,
  DtmServerError,
  encodeBranchRegistration,
  encodeTransactionRequest,
  jsonReader,
  outcomeError,
  readHttpOutcome,
  type DtmConnection,
  type JsonReader,
} from '../../protocol/internal.js';
import { HttpRequester, type HttpConnectionOptions, type HttpResponse } from '../../transport/index.js';
import {
  assertNewGid,
  assertNoRedirect,
  isProxyError,
  noAnswer,
  notFoundRemedy,
  unexpectedAnswer,
  type CoordinatorCall,
} from './call-errors.js';
import { readTransactionDetails, readTransactionPage, transactionFilterParameters } from './transaction-queries.js';

/** Options of {@link dtmHttpClient}. */
export interface DtmHttpClientOptions extends HttpConnectionOptions {
  /** Time-out of a call in seconds. A submit with `waitResult` needs the time of its branches. @default 30 */
  readonly timeoutSeconds?: number | undefined;
  /** Headers of every call, for example an authorization for a proxy in front of dtm. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Path of the HTTP API. */
const BASE_PATH = '/api/dtmsvr';

/**
 * Creates a client of the HTTP API of a coordinator: a Go dtm, or a coordinator of this package that listens. See
 * docs/protocol.md#http-api.
 *
 * @param url - for example `http://localhost:36789/api/dtmsvr`, or a URL with a name that the driver finds. The path
 *   `/api/dtmsvr` is added to a URL without a path
 * @param options - time-out, headers, connections, names
 * @throws DtmConfigError when the URL is not http or https
 */
export function dtmHttpClient(url: string, options: DtmHttpClientOptions = {}): DtmConnection {
  const address = addressOf(url, options.names);
  const requester = new HttpRequester(options);
  const timeoutMs = (options.timeoutSeconds ?? 30) * 1000;
  const headers = { 'content-type': 'application/json', ...options.headers };

  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
    gid?: string,
  ): Promise<HttpResponse> => {
    let answer: HttpResponse;
    try {
      answer = await requester.request({
        method,
        url: `${address}/${path}`,
        of: 'coordinator',
        headers,
        body,
        timeoutMs,
      });
    } catch (cause) {
      throw noAnswer({ address, operation: operationIn(path), gid }, cause);
    }
    assertNoRedirect(answer, operationIn(path), gid);
    if (isProxyError(answer)) {
      throw noAnswer({ address, operation: operationIn(path), gid }, new Error(`a proxy answered ${answer.status}`));
    }
    return answer;
  };

  const command = async (operation: string, body: string, gid: string): Promise<void> =>
    assertDone(await call('POST', operation, body, gid), { address, operation, gid });

  // only the status counts: the data of a query can contain the words that decide an outcome elsewhere
  const read = async <T>(path: string, decode: (json: JsonReader) => T, gid?: string): Promise<T> => {
    const answer = await call('GET', path, undefined, gid);
    if (answer.status !== 200) throw refusal(answer, { address, operation: operationIn(path), gid });
    try {
      return decode(jsonReader(JSON.parse(answer.body), 'it'));
    } catch (cause) {
      throw unexpectedAnswer({ address, operation: operationIn(path), gid }, cause);
    }
  };

  return {
    address,
    protocol: 'http',
    newGid: async () => assertNewGid(await read('newGid', (json) => json.text('gid')), address),
    prepare: async (transaction) => command('prepare', encodeTransactionRequest(transaction), transaction.gid),
    submit: async (transaction) => command('submit', encodeTransactionRequest(transaction), transaction.gid),
    abort: async (transaction) => command('abort', encodeTransactionRequest(transaction), transaction.gid),
    registerBranch: async (branch) => command('registerBranch', encodeBranchRegistration(branch), branch.gid),
    forceStop: async (gid) => command('forceStop', JSON.stringify({ gid }), gid),
    retryNow: async (gid) => command('resetNextCronTime', JSON.stringify({ gid }), gid),
    subscribe: async (topic, subscriber, remark = '') => {
      const query = new URLSearchParams({ topic, url: subscriber, remark }).toString();
      assertDone(await call('GET', `subscribe?${query}`), { address, operation: 'subscribe' });
    },
    unsubscribe: async (topic, subscriber) => {
      const query = new URLSearchParams({ topic, url: subscriber }).toString();
      assertDone(await call('GET', `unsubscribe?${query}`), { address, operation: 'unsubscribe' });
    },
    deleteTopic: async (topic) =>
      assertDone(await call('DELETE', `topic/${encodeURIComponent(topic)}`), { address, operation: 'topic' }),
    query: async (gid) => read(`query?gid=${encodeURIComponent(gid)}`, readTransactionDetails, gid),
    all: async (filter) =>
      read(`all?${new URLSearchParams(transactionFilterParameters(filter)).toString()}`, readTransactionPage),
    version: async () => read('version', (json) => json.text('version')),
    open: () => Promise.resolve(),
    recover: () => undefined,
    close: () => requester.close(),
  };
}

function assertDone(answer: HttpResponse, call: CoordinatorCall): void {
  const outcome = readHttpOutcome(answer.status, answer.body);
  if (outcome.kind === 'success') return;
  if (outcome.kind === 'unknown') throw refusal(answer, call);
  throw outcomeError(outcome, call.operation, { gid: call.gid });
}

function addressOf(url: string, names: HttpNameResolver | undefined): string {
  if (names?.isNamed(url, 'coordinator')) {
    names.check(url);
    const [, server = url, path = ''] = /^([^/]*\/\/[^/]*)(.*?)\/*$/.exec(url) ?? [];
    return server + (path === '' ? BASE_PATH : path);
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new DtmConfigError(
      `server ${JSON.stringify(url)} is not a URL; expected something like http://localhost:36789`,
      { cause },
    );
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new DtmConfigError(
      `server ${JSON.stringify(url)} has the scheme ${parsed.protocol}; use http:// or https://, or dtmGrpcClient() for gRPC`,
    );
  }
  if (parsed.username || parsed.password) {
    throw new DtmConfigError(
      'server must not contain a user and password, because participants see the URL; use headers: { authorization }',
    );
  }
  const path = parsed.pathname.replace(/\/+$/, '');
  return parsed.origin + (path === '' ? BASE_PATH : path);
}

function refusal(answer: HttpResponse, { address, operation, gid }: CoordinatorCall): DtmServerError {
  const outcome = readHttpOutcome(answer.status, answer.body);
  const reason = outcome.kind === 'success' ? answer.body : outcome.message;
  return new DtmServerError(`dtm refused ${operation}: ${reason}${notFoundRemedy(answer, address)}`, { gid });
}

function operationIn(path: string): string {
  return path.split('?', 1)[0]!;
}
