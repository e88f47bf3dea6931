import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { DtmConfigError } from '../../../protocol/internal.js';
import { listenerAddress } from '../../../support/host-port.js';
import type { Clock } from '../../environment/clock.js';
import type { Metrics } from '../../environment/metrics.js';
import type { AnswerClient } from '../answer-budget.js';
import { DEFAULT_HOST, DEFAULT_PORT, type ListenOptions } from '../listen-options.js';
import { HttpConnection, type Exchange } from './http-connection.js';
import { BodyTooLargeError, readBody } from './read-body.js';
import { parseRequestTarget } from './request-target.js';
import { Router, errorAnswer, type ApiAnswer, type Routes } from './router.js';

/** A listening HTTP server. */
export interface HttpListener {
  /** Base URL without a path, e.g. `http://127.0.0.1:36789`. */
  readonly origin: string;
  /**
   * Answers the requests that have arrived completely; closes all other connections at once.
   *
   * @param giveUp - closes all connections when it is aborted
   */
  close(giveUp: AbortSignal): Promise<void>;
}

/** A client that sends nothing is disconnected after these times, so that it cannot hold connections. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Further connections are closed at once, which protects memory and file descriptors. */
const MAX_CONNECTIONS = 10_000;

/** Monitoring calls these routes all the time. */
const UNCOUNTED_ROUTES: ReadonlySet<string> = new Set(['ping', 'metrics']);

/**
 * Listens for HTTP requests.
 *
 * @param routes - handlers by route
 * @param options - where to listen
 * @param metrics - counts the requests
 * @param clock - limits how long a client reads nothing
 * @throws DtmConfigError when the address is in use or the advertised URL is invalid
 */
export async function listenHttp(
  routes: Routes,
  options: ListenOptions,
  metrics: Metrics,
  clock: Clock,
): Promise<HttpListener> {
  const advertisedUrl = options.advertise === undefined ? undefined : parseAdvertisedUrl(options.advertise);
  const router = new Router(routes);
  const connections = new Map<Socket, HttpConnection>();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // how often Node checks these two time-outs; Node's default would exceed them by up to 30 s
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 60_000,
    },
    (request, response) => connections.get(request.socket)?.add({ request, response }),
  );
  server.on('connection', (socket) => {
    connections.set(
      socket,
      new HttpConnection(socket, clock, (exchange, connection) => void serve(router, exchange, connection, metrics)),
    );
    socket.once('close', () => connections.delete(socket));
  });
  server.maxConnections = MAX_CONNECTIONS;
  const host = options.host ?? DEFAULT_HOST;
  await listen(server, options.port ?? DEFAULT_PORT, host);
  const { port } = server.address() as AddressInfo;
  return {
    origin: advertisedUrl ?? `http://${listenerAddress({ host, port })}`,
    close: (giveUp) => closeServer(server, connections, giveUp),
  };
}

/** The URL is sent to participants, so it must not contain secrets. */
function parseAdvertisedUrl(url: string): string {
  const { protocol = '', username, password, search, hash } = URL.canParse(url) ? new URL(url) : ({} as Partial<URL>);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw new DtmConfigError(
      'listen.advertise must be the http or https URL at which other processes reach the coordinator, without user, ' +
        'password, query and fragment, e.g. http://dtm:36789',
    );
  }
  return url.replace(/\/+$/, '');
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'the port is in use; stop the other process or choose another port'
          : cause.message;
      reject(new DtmConfigError(`cannot listen on ${host}:${port}: ${why}`, { cause }));
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      // a connection that cannot be accepted, e.g. because of too many open files: the client retries
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function closeServer(
  server: Server,
  connections: ReadonlyMap<Socket, HttpConnection>,
  giveUp: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const closeAll = (): void => server.closeAllConnections();
    giveUp.addEventListener('abort', closeAll);
    server.close(() => {
      giveUp.removeEventListener('abort', closeAll);
      resolve();
    });
    for (const connection of connections.values()) connection.close();
    if (giveUp.aborted) closeAll();
  });
}

async function serve(
  router: Router,
  { request, response }: Exchange,
  connection: HttpConnection,
  metrics: Metrics,
): Promise<void> {
  const start = performance.now();
  let name = 'unknown';
  try {
    // any web page in a browser on this machine could send requests, and the API has no authentication
    if (request.headers.origin !== undefined) return send(response, BROWSER_REFUSED, connection);
    const { path, search } = parseRequestTarget(request.url ?? '/');
    const route = router.find(request.method ?? '', path, search);
    if (!route) return send(response, NOT_FOUND, connection);
    name = route.name;
    const body = request.method === 'POST' ? await readBody(request) : '';
    connection.arrived();
    const query = new URLSearchParams(search);
    const client = clientOf(response);
    return send(response, await route.handler({ query, body, wildcard: route.wildcard, client }), connection);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) return send(response, errorAnswer(error), connection);
    response.setHeader('connection', 'close');
    return send(response, { status: 413, body: JSON.stringify({ message: error.message }) }, connection);
  } finally {
    if (!UNCOUNTED_ROUTES.has(name)) {
      metrics.countRequest('http', name, response.statusCode < 400, (performance.now() - start) / 1000);
    }
  }
}

const NOT_FOUND: ApiAnswer = { status: 404, body: '404 page not found', contentType: 'text/plain' };

const BROWSER_REFUSED: ApiAnswer = {
  status: 403,
  body: JSON.stringify({ message: 'a request with an Origin header comes from a web page and is refused' }),
};

function clientOf(response: ServerResponse): AnswerClient {
  return {
    get isGone() {
      return response.destroyed;
    },
    onceOver: (callback) => void response.once('close', callback),
  };
}

function send(response: ServerResponse, answer: ApiAnswer, connection: HttpConnection): void {
  if (response.destroyed) return;
  const { status, body, contentType = 'application/json; charset=utf-8', location } = answer;
  if (location !== undefined) response.setHeader('location', location);
  // bytes are outside of the heap, which an unread text would fill
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length });
  connection.send(bytes);
}
