import type { HttpNameResolver, HttpUrlRole } from '../../driver/index.js';
import { Agent, interceptors, type Dispatcher } from 'undici';

/** Options of {@link HttpRequester}. */
export interface HttpConnectionOptions {
  /** Maximum number of connections to one origin; further calls wait. @default 256 */
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
  /** Time-out of everything: connecting, redirects, reading the answer. */
  readonly timeoutMs: number;
}

/** An HTTP answer. */
export interface HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Body as text. */
  readonly body: string;
}

/** Longest time of a timer in Node; a longer one fires at once. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** Most redirects that are followed, as by Go's client. */
const MAX_REDIRECTS = 10;

/** HTTP/1.1 over pooled keep-alive connections, one pool per origin. */
export class HttpRequester {
  readonly #agent: Agent;
  readonly #redirect = interceptors.redirect({ maxRedirections: MAX_REDIRECTS });
  readonly #names: HttpNameResolver | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpConnectionOptions = {}) {
    this.#names = options.names;
    this.#agent = new Agent({
      connections: options.connectionsPerOrigin ?? 256,
      maxResponseSize: options.maxAnswerBytes ?? 4 * 1024 * 1024,
      // the time-out of the request is the only one
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @param request - what to send
   * @returns status and body text
   * @throws Error when the URL is not http or https, its name is unknown, no answer comes in time, or the answer is too
   *   large
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    if (!this.#names?.isNamed(request.url, request.of ?? 'branch')) return this.#send(request);
    const { url, headers } = await this.#names.resolve(request.url);
    return this.#send({ ...request, url, headers: { ...request.headers, ...headers } });
  }

  async #send(request: HttpRequest): Promise<HttpResponse> {
    const url = new URL(request.url);
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: withCredentials(url, request.headers),
      body: request.body ?? null,
    };
    return new Promise((resolve, reject) => {
      const follow = (answer: Redirect): void => this.#follow(options, exchange, answer);
      const exchange = new Exchange(request.timeoutMs, { resolve, reject, follow });
      this.#agent.dispatch(options, exchange);
    });
  }

  /**
   * Follows a redirect by the rules of undici. Its interceptor receives the redirect that has already arrived; an
   * interceptor on every request would cost a sixth of the request.
   */
  #follow(options: Dispatcher.DispatchOptions, exchange: Exchange, { controller, status, headers }: Redirect): void {
    let isReplayed = false;
    const dispatch: Dispatcher['dispatch'] = (next, handler) => {
      if (isReplayed) return this.#agent.dispatch(next, handler);
      isReplayed = true;
      handler.onRequestStart?.(controller, {});
      handler.onResponseStart?.(controller, status, headers);
      handler.onResponseEnd?.(controller, {});
      return true;
    };
    this.#redirect(dispatch)(options, exchange);
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

/** An answer with a redirect. */
interface Redirect {
  readonly controller: Dispatcher.DispatchController;
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** How an {@link Exchange} ends. */
interface Ending {
  resolve(response: HttpResponse): void;
  reject(error: unknown): void;
  follow(redirect: Redirect): void;
}

/**
 * Collects one answer within its time-out. It is a handler of the dispatcher, because the promises and abort signals of
 * undici cost as much as the request itself.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #ending: Ending;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #timeout: Error | undefined;
  #redirect: Redirect | undefined;
  #isRedirected = false;
  #status = 0;
  #chunks: Buffer[] = [];

  constructor(timeoutMs: number, ending: Ending) {
    this.#ending = ending;
    this.#timer = setTimeout(() => this.#timeOut(timeoutMs), Math.min(timeoutMs, MAX_TIMEOUT_MS));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#timeout) controller.abort(this.#timeout);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Redirect['headers']): void {
    // the interceptor of undici follows further redirects
    const isRedirect = !this.#isRedirected && status >= 300 && status < 400 && headers['location'] !== undefined;
    if (isRedirect) this.#redirect = { controller, status, headers };
    this.#status = status;
    this.#chunks = [];
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const redirect = this.#redirect;
    if (redirect && !this.#isRedirected) return this.#followRedirect(redirect);
    clearTimeout(this.#timer);
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#ending.resolve({ status: this.#status, body: body.toString() });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#timer);
    this.#ending.reject(this.#timeout ?? error);
  }

  #followRedirect(redirect: Redirect): void {
    this.#isRedirected = true;
    try {
      this.#ending.follow(redirect);
    } catch (error) {
      // too many redirects, or an invalid location
      clearTimeout(this.#timer);
      this.#ending.reject(error);
    }
  }

  #timeOut(timeoutMs: number): void {
    const seconds = timeoutMs / 1000;
    const reason = this.#controller ? `time-out after ${seconds} s` : `no free connection within ${seconds} s`;
    this.#timeout = new Error(reason);
    this.#controller?.abort(this.#timeout);
    // a request that waits for a connection is aborted when it gets one
    this.#ending.reject(this.#timeout);
  }
}
