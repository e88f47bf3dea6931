import type { HttpNameResolver, HttpUrlRole } from '../../driver/index.js';
import { Agent, type Dispatcher } from 'undici';
import { PathKinds } from '../../support/path-kinds.js';
import { SlotsByServer } from '../../support/slots-by-server.js';
import { Exchange, type ExchangeResult } from './exchange.js';
import { guardedConnector } from './guarded-connector.js';
import { redirectRefusal } from './redirect.js';

/** Options of {@link HttpRequester}. */
export interface HttpConnectionOptions {
  /**
   * Maximum number of connections to one origin. The calls of one path take at most half of those that other paths leave free;
   * further calls wait. Paths that differ only in ids count as one path: segments with digits, and those
   * that have had more than 24 values.
   *
   * @default 512
   */
  readonly connectionsPerOrigin?: number | undefined;
  /** Maximum size of an answer in bytes; a larger answer is an error. @default 4194304 (4 MiB) */
  readonly maxAnswerBytes?: number | undefined;
  /** Finds services by the name in a URL. @default none: URLs contain hosts */
  readonly names?: HttpNameResolver | undefined;
}

/** An HTTP request. */
export interface HttpRequest {
  /** HTTP method. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Absolute http or https URL, or one with a name that {@link HttpConnectionOptions.names} finds. */
  readonly url: string;
  /** Kind of the URL, for the names. @default 'branch' */
  readonly of?: HttpUrlRole | undefined;
  /** Request headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body. @default none */
  readonly body?: string | Uint8Array | undefined;
  /** Time-out of everything: connecting, sending, reading the answer. */
  readonly timeoutMs: number;
  /** Requests of one kind of path and group share connections; other kinds and groups do not wait for them. @default '' */
  readonly group?: string | undefined;
  /** Called when the request has a connection, or has waited in vain for those of other requests. @default nothing is called */
  readonly onConnected?: (() => void) | undefined;
}

/** An HTTP answer. */
export interface HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Body as text. */
  readonly body: string;
  /** Why the answer is a redirect that was not followed, and the URL to use. @default the answer is no redirect */
  readonly unfollowedRedirect?: string | undefined;
}

/** HTTP/1.1 over pooled keep-alive connections, one pool per origin. */
export class HttpRequester {
  readonly #agent: Agent;
  readonly #slots: SlotsByServer;
  readonly #pathKinds = new PathKinds();
  readonly #names: HttpNameResolver | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpConnectionOptions = {}) {
    this.#names = options.names;
    const connections = options.connectionsPerOrigin ?? 512;
    this.#slots = new SlotsByServer(connections);
    this.#agent = new Agent({
      connect: guardedConnector(),
      connections,
      maxResponseSize: options.maxAnswerBytes ?? 4 * 1024 * 1024,
      // the time-out of the request is the only one
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @returns status and body text
   * @throws Error when the URL is not http or https, its name is unknown, no answer comes in time, or the answer is too
   *   large
   */
  request(request: HttpRequest): Promise<HttpResponse> {
    const end = performance.now() + request.timeoutMs;
    const isNamed = this.#names?.isNamed(request.url, request.of ?? 'branch') ?? false;
    return isNamed ? this.#resolve(request, end) : this.#follow(request, end);
  }

  async #resolve(request: HttpRequest, end: number): Promise<HttpResponse> {
    const { url, headers } = await this.#names!.resolve(request.url, request.timeoutMs);
    return this.#follow({ ...request, url, headers: { ...request.headers, ...headers } }, end);
  }

  /** Sends a request, and sends it again where a redirect with 307 or 308 leads. */
  async #follow(request: HttpRequest, end: number): Promise<HttpResponse> {
    let url = new URL(request.url);
    const headers = withCredentials(url, request.headers);
    for (let count = 0; ; count++) {
      const { status, body, redirect } = await this.#send(url, headers, request, end - performance.now());
      if (!redirect) return { status, body };
      const unfollowedRedirect = redirectRefusal(url, redirect, headers, count);
      if (unfollowedRedirect !== undefined) return { status, body, unfollowedRedirect };
      url = new URL(redirect.location);
    }
  }

  #send(
    url: URL,
    headers: HttpRequest['headers'],
    { method, body, timeoutMs, group = '', onConnected }: HttpRequest,
    restMs: number,
  ): Promise<ExchangeResult> {
    const { origin, pathname, search } = url;
    const party = `${group} ${this.#pathKinds.of(pathname, origin)}`;
    const options: Dispatcher.DispatchOptions = {
      origin,
      path: pathname + search,
      method,
      headers,
      body: body ?? null,
    };
    return new Promise((resolve, reject) => {
      const onEnd = (): void => this.#slots.release(origin, party);
      const exchange = new Exchange(url, timeoutMs, restMs, { resolve, reject, onConnected, onEnd });
      const begin = (): void => exchange.begin(this.#agent, options);
      if (this.#slots.tryAcquire(origin, party)) begin();
      else exchange.wait(this.#slots.wait(origin, party, begin));
    });
  }

  /** Closes the pools after the running requests. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#agent.close();
    return this.#closing;
  }
}

/** Moves user and password of the URL into a header, as the client of Go does. */
function withCredentials({ username, password }: URL, headers: HttpRequest['headers']): HttpRequest['headers'] {
  if (!username && !password) return headers;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, ...headers };
}
