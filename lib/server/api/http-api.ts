import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DtmArgumentError,
  SUCCESS_BODY,
  decodeBranchRegistration,
  decodeTransactionRequest,
  encodeBranchRecord,
  encodeTransactionRecord,
  errorOutcome,
  isTransType,
  GLOBAL_STATUSES,
  stringifyQuietly,
  writeHttpOutcome,
  type DtmApi,
  type GlobalStatus,
  type HttpAnswer,
  type TransactionFilter,
} from '../../protocol/index.js';
import { readBody, BodyTooLargeError } from './read-body.js';

/** Where the HTTP API listens. */
export interface ListenOptions {
  /** TCP port; 0 = a free one. @default 36789 */
  readonly port?: number | undefined;
  /** Address to listen on; dtm's API has no authentication, so think before opening it to others. @default '127.0.0.1' */
  readonly host?: string | undefined;
}

/** A listening HTTP API. */
export interface HttpApi {
  /** Base URL, e.g. `http://127.0.0.1:36789/api/dtmsvr`. */
  readonly address: string;
  /** Ends: requests that have arrived are answered; whoever is still sending one, or says nothing, is cut off. */
  close(): Promise<void>;
}

type Handler = (request: { readonly query: URLSearchParams; readonly body: string }) => Promise<HttpAnswer>;

const BASE_PATH = '/api/dtmsvr';

/** dtm's port (`dtm-protocol.md` §1). */
const DEFAULT_PORT = 36789;

/** A client that sends nothing is cut off after these times, so that it cannot hold connections. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Serves the HTTP API (`dtm-protocol.md` §1).
 *
 * @param api - the operations behind it
 * @param options - where to listen
 * @throws Error when the port is taken
 */
export async function listenHttp(api: Omit<DtmApi, 'address'>, options: ListenOptions): Promise<HttpApi> {
  const routes = routesTo(api);
  const busy = new Set<ServerResponse>();
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: 60_000 },
    (request, response) => {
      const onArrival = (): void => {
        busy.add(response);
        response.once('close', () => busy.delete(response));
      };
      void serve(routes, request, response, onArrival);
    },
  );
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? DEFAULT_PORT, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return { address: `http://${reachable}:${port}${BASE_PATH}`, close: () => closeServer(server, busy) };
}

function closeServer(server: Server, busy: ReadonlySet<ServerResponse>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    const cutOff = (): void => {
      if (busy.size === 0) server.closeAllConnections();
    };
    for (const response of busy) response.once('close', cutOff);
    cutOff();
  });
}

function routesTo(api: Omit<DtmApi, 'address'>): Map<string, Handler> {
  const transaction =
    (operation: 'prepare' | 'submit' | 'abort'): Handler =>
    async ({ body }) => {
      await api[operation](decodeTransactionRequest(parse(body)));
      return success();
    };
  const registerBranch: Handler = async ({ body }) => {
    const fields = flatTexts(body);
    if (!fields)
      return {
        status: 400,
        body: JSON.stringify({ message: 'the body must be one JSON object whose values are all texts' }),
      };
    await api.registerBranch(decodeBranchRegistration(fields));
    return success();
  };
  return new Map<string, Handler>([
    [`GET ${BASE_PATH}/version`, async () => data({ version: await api.version() })],
    [`GET ${BASE_PATH}/newGid`, async () => data({ dtm_result: 'SUCCESS', gid: await api.newGid() })],
    [`POST ${BASE_PATH}/prepare`, transaction('prepare')],
    [`POST ${BASE_PATH}/submit`, transaction('submit')],
    [`POST ${BASE_PATH}/abort`, transaction('abort')],
    [`POST ${BASE_PATH}/registerBranch`, registerBranch],
    [`POST ${BASE_PATH}/registerTccBranch`, registerBranch],
    [`POST ${BASE_PATH}/registerXaBranch`, registerBranch],
    [
      `POST ${BASE_PATH}/forceStop`,
      async ({ body }) => {
        await api.forceStop(decodeTransactionRequest(parse(body)).gid);
        return success();
      },
    ],
    [
      `GET ${BASE_PATH}/query`,
      async ({ query }) => {
        const details = await api.query(query.get('gid') ?? '');
        return data({
          branches: details?.branches.map((branch) => encodeBranchRecord(branch, details.transaction)) ?? [],
          transaction: details ? encodeTransactionRecord(details.transaction) : null,
        });
      },
    ],
    [
      `GET ${BASE_PATH}/all`,
      async ({ query }) => {
        const page = await api.all(filterIn(query));
        const transactions = page.transactions.map(encodeTransactionRecord);
        return data({ next_position: page.nextPosition, transactions: transactions.length > 0 ? transactions : null });
      },
    ],
  ]);
}

async function serve(
  routes: Map<string, Handler>,
  request: IncomingMessage,
  response: ServerResponse,
  onArrival: () => void,
): Promise<void> {
  try {
    // a page in some browser: it may post to this machine without being asked, and nothing here asks who calls
    if (request.headers.origin !== undefined) return send(response, NOT_FROM_A_BROWSER);
    const [path, search = ''] = (request.url ?? '/').split(/\?(.*)/s, 2) as [string, string?];
    const handler = routes.get(`${request.method} ${path}`);
    if (handler) {
      const body = request.method === 'POST' ? await readBody(request) : '';
      onArrival();
      const answer = await handler({ query: new URLSearchParams(search), body });
      // the binder of dtm answers such a body before the JSON writer is reached (§1.2)
      return send(response, answer, answer.status === 400 ? 'text/plain; charset=utf-8' : undefined);
    }
    const trimmed = path.replace(/\/+$/, '');
    if (trimmed !== path && routes.has(`${request.method} ${trimmed}`)) {
      response.setHeader('location', search ? `${trimmed}?${search}` : trimmed);
      return send(response, { status: request.method === 'GET' ? 301 : 307, body: '' });
    }
    return send(response, { status: 404, body: '404 page not found' }, 'text/plain');
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      response.setHeader('connection', 'close');
      return send(response, { status: 413, body: JSON.stringify({ message: error.message }) });
    }
    return send(response, writeHttpOutcome(errorOutcome(error)));
  }
}

const NOT_FROM_A_BROWSER: HttpAnswer = {
  status: 403,
  body: JSON.stringify({ message: 'requests that a web page sends (with an Origin header) are refused' }),
};

function send(response: ServerResponse, answer: HttpAnswer, contentType = 'application/json; charset=utf-8'): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, { 'content-type': contentType, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

function success(): HttpAnswer {
  return { status: 200, body: SUCCESS_BODY };
}

function data(value: unknown): HttpAnswer {
  return { status: 200, body: stringifyQuietly(value) };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new DtmArgumentError(
      `the request body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** An object of texts, null counting as empty; undefined for anything else. */
function flatTexts(body: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value).map(([name, text]): [string, unknown] => [name, text ?? '']);
  return entries.every(([, text]) => typeof text === 'string')
    ? (Object.fromEntries(entries) as Record<string, string>)
    : undefined;
}

function filterIn(query: URLSearchParams): TransactionFilter {
  const status = query.get('status') || undefined;
  const transType = query.get('transType') || undefined;
  if (status && !(GLOBAL_STATUSES as readonly string[]).includes(status)) {
    throw new DtmArgumentError(`status must be one of ${GLOBAL_STATUSES.join(', ')}, not ${JSON.stringify(status)}`);
  }
  if (transType && !isTransType(transType))
    throw new DtmArgumentError(`transType ${JSON.stringify(transType)} is unknown`);
  return {
    gid: query.get('gid') || undefined,
    status: status as GlobalStatus | undefined,
    transType: transType as TransactionFilter['transType'],
    createTimeStart: integer(query, 'createTimeStart'),
    createTimeEnd: integer(query, 'createTimeEnd'),
    position: query.get('position') || undefined,
    limit: integer(query, 'limit'),
  };
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new DtmArgumentError(`convert to int error: ${text}`);
  return Number(text);
}
