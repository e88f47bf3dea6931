import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DtmConfigError } from '../../../protocol/internal.js';
import { listenerAddress } from '../../../support/host-port.js';
import type { Metrics } from '../../environment/metrics.js';
import { DEFAULT_HOST, DEFAULT_PORT, type ListenOptions } from '../listen-options.js';
import { BodyTooLargeError, readBody } from './read-body.js';
import { Router, errorAnswer, type ApiAnswer, type Routes } from './router.js';

/** A listening HTTP server. */
export interface HttpListener {
  /** Base URL without a path, e.g. `http://127.0.0.1:36789`. */
  readonly origin: string;
  /** Ends: requests that have arrived are answered; whoever is still sending one, or says nothing, is cut off. */
  close(): Promise<void>;
}

/** A client that sends nothing is cut off after these times, so that it cannot hold connections. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Further connections are closed at once, so that those that are open keep their memory and files. */
const MAX_CONNECTIONS = 10_000;

/** Monitors call these again and again. */
const UNCOUNTED_ROUTES: ReadonlySet<string> = new Set(['ping', 'metrics']);

/**
 * Listens for HTTP requests.
 *
 * @param routes - what answers them
 * @param options - where to listen
 * @param metrics - counts them
 * @throws DtmConfigError when it cannot listen there, or nobody could reach it under the URL that it advertises
 */
export async function listenHttp(routes: Routes, options: ListenOptions, metrics: Metrics): Promise<HttpListener> {
  const advertised = options.advertise === undefined ? undefined : parseAdvertisedUrl(options.advertise);
  const router = new Router(routes);
  const busy = new Set<ServerResponse>();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // how often these two are looked at; Node's own interval would make them 30 s longer
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 60_000,
    },
    (request, response) => {
      const onArrival = (): void => {
        busy.add(response);
        response.once('close', () => busy.delete(response));
      };
      void serve(router, request, response, onArrival, metrics);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const host = options.host ?? DEFAULT_HOST;
  await listen(server, options.port ?? DEFAULT_PORT, host);
  const { port } = server.address() as AddressInfo;
  return { origin: advertised ?? `http://${listenerAddress({ host, port })}`, close: () => closeServer(server, busy) };
}

/** It is given to participants, so it holds no secrets. */
function parseAdvertisedUrl(url: string): string {
  const { protocol = '', username, password, search, hash } = URL.canParse(url) ? new URL(url) : ({} as Partial<URL>);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw new DtmConfigError(
      'listen.advertise must be the http or https URL under which others reach the coordinator, without a user, ' +
        'password, query or fragment, e.g. http://dtm:36789',
    );
  }
  return url.replace(/\/+$/, '');
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'the port is in use, stop the other process or choose another port'
          : cause.message;
      reject(new DtmConfigError(`cannot listen on ${host}:${port}: ${why}`, { cause }));
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      // a connection that cannot be taken, e.g. because there are too many open files: its client tries again
      server.on('error', () => undefined);
      resolve();
    });
  });
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

async function serve(
  router: Router,
  request: IncomingMessage,
  response: ServerResponse,
  onArrival: () => void,
  metrics: Metrics,
): Promise<void> {
  const start = performance.now();
  let name = 'unknown';
  try {
    // a page in some browser: it may post to this machine without being asked, and nothing here asks who calls
    if (request.headers.origin !== undefined) return send(response, BROWSER_REFUSED);
    const { url = '/' } = request;
    const end = url.includes('?') ? url.indexOf('?') : url.length;
    const search = url.slice(end + 1);
    const route = router.find(request.method ?? '', url.slice(0, end), search);
    if (!route) return send(response, { status: 404, body: '404 page not found', contentType: 'text/plain' });
    name = route.name;
    const body = request.method === 'POST' ? await readBody(request) : '';
    onArrival();
    return send(response, await route.handler({ query: new URLSearchParams(search), body, wildcard: route.wildcard }));
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) return send(response, errorAnswer(error));
    response.setHeader('connection', 'close');
    return send(response, { status: 413, body: JSON.stringify({ message: error.message }) });
  } finally {
    if (!UNCOUNTED_ROUTES.has(name)) {
      metrics.countRequest('http', name, response.statusCode < 400, (performance.now() - start) / 1000);
    }
  }
}

const BROWSER_REFUSED: ApiAnswer = {
  status: 403,
  body: JSON.stringify({ message: 'requests that a web page sends (with an Origin header) are refused' }),
};

function send(response: ServerResponse, answer: ApiAnswer): void {
  if (response.destroyed) return;
  const { status, body, contentType = 'application/json; charset=utf-8', location } = answer;
  if (location !== undefined) response.setHeader('location', location);
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
