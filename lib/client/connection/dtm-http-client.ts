import type { HttpNameResolver } from '../../driver/index.js';
import {
  DtmConfigError,
  DtmConnectionError,
  DtmServerError,
  encodeBranchRegistration,
  encodeTransactionRequest,
  errorText,
  jsonReader,
  outcomeError,
  readHttpOutcome,
  type DtmConnection,
  type JsonReader,
} from '../../protocol/internal.js';
import { HttpRequester, type HttpConnectionOptions, type HttpResponse } from '../../transport/index.js';
import { readTransactionDetails, transactionFilterParameters, readTransactionPage } from './transaction-queries.js';

/** Options of {@link dtmHttpClient}. */
export interface DtmHttpClientOptions extends HttpConnectionOptions {
  /** Longest time for one call in seconds; a submit that waits for its result needs the time of its branches. @default 30 */
  readonly timeoutSeconds?: number | undefined;
  /** Headers sent with every call, e.g. an authorization for a proxy in front of dtm. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Path of the HTTP API. */
const BASE_PATH = '/api/dtmsvr';

/**
 * A coordinator reached over its HTTP API: a real dtm, or an embedded coordinator that listens.
 *
 * @param url - e.g. `http://localhost:36789/api/dtmsvr`, or one with a name that the driver knows; without a path, dtm's own
 *   is added
 * @param options - timeout, headers, pool, names
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
    try {
      return await requester.request({
        method,
        url: `${address}/${path}`,
        of: 'coordinator',
        headers,
        body,
        timeoutMs,
      });
    } catch (cause) {
      const reason = errorText(cause);
      throw new DtmConnectionError(`dtm at ${address} gave no answer to ${path.split('?', 1)[0]}: ${reason}`, {
        cause,
        gid,
      });
    }
  };

  const command = async (operation: string, body: string, gid: string): Promise<void> =>
    done(await call('POST', operation, body, gid), operation, gid);

  // The words that decide an outcome may well occur in what a query shows, so only the status counts here.
  const read = async <T>(path: string, decode: (json: JsonReader) => T, gid?: string): Promise<T> => {
    const answer = await call('GET', path, undefined, gid);
    if (answer.status !== 200) throw refusal(path, answer.status, answer.body, gid);
    const operation = path.split('?', 1)[0]!;
    try {
      return decode(jsonReader(JSON.parse(answer.body), 'it'));
    } catch (cause) {
      const reason = errorText(cause);
      throw new DtmServerError(`dtm at ${address} answered ${operation} with something else than expected: ${reason}`, {
        cause,
        gid,
      });
    }
  };

  return {
    address,
    protocol: 'http',
    newGid: async () => {
      const gid = await read('newGid', (json) => json.text('gid'));
      if (gid === '') throw new DtmServerError(`dtm at ${address} answered newGid without a gid`);
      return gid;
    },
    prepare: async (transaction) => command('prepare', encodeTransactionRequest(transaction), transaction.gid),
    submit: async (transaction) => command('submit', encodeTransactionRequest(transaction), transaction.gid),
    abort: async (transaction) => command('abort', encodeTransactionRequest(transaction), transaction.gid),
    registerBranch: async (branch) => command('registerBranch', encodeBranchRegistration(branch), branch.gid),
    forceStop: async (gid) => command('forceStop', JSON.stringify({ gid }), gid),
    retryNow: async (gid) => command('resetNextCronTime', JSON.stringify({ gid }), gid),
    subscribe: async (topic, subscriber, remark = '') => {
      const query = new URLSearchParams({ topic, url: subscriber, remark }).toString();
      done(await call('GET', `subscribe?${query}`), 'subscribe');
    },
    unsubscribe: async (topic, subscriber) => {
      const query = new URLSearchParams({ topic, url: subscriber }).toString();
      done(await call('GET', `unsubscribe?${query}`), 'unsubscribe');
    },
    deleteTopic: async (topic) => done(await call('DELETE', `topic/${encodeURIComponent(topic)}`), 'topic'),
    query: async (gid) => read(`query?gid=${encodeURIComponent(gid)}`, readTransactionDetails, gid),
    all: async (filter) =>
      read(`all?${new URLSearchParams(transactionFilterParameters(filter)).toString()}`, readTransactionPage),
    version: async () => read('version', (json) => json.text('version')),
    open: () => Promise.resolve(),
    recover: () => undefined,
    close: () => requester.close(),
  };
}

function done({ status, body }: HttpResponse, operation: string, gid?: string): void {
  const outcome = readHttpOutcome(status, body);
  if (outcome.kind === 'success') return;
  if (outcome.kind === 'unknown') throw refusal(operation, status, body, gid);
  throw outcomeError(outcome, operation, { gid });
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
      `server ${JSON.stringify(url)} has the scheme ${parsed.protocol}, which this version cannot call; use http:// or https://`,
    );
  }
  if (parsed.username || parsed.password) {
    throw new DtmConfigError(
      'server must not hold a user and password, for participants get to see it; use headers: { authorization }',
    );
  }
  const path = parsed.pathname.replace(/\/+$/, '');
  return parsed.origin + (path === '' ? BASE_PATH : path);
}

function refusal(operation: string, status: number, body: string, gid?: string): DtmServerError {
  const outcome = readHttpOutcome(status, body);
  const message = outcome.kind === 'success' ? body : outcome.message;
  return new DtmServerError(`dtm refused ${operation.split('?', 1)[0]}: ${message}`, { gid });
}
