import type { HttpNameResolver, HttpUrlRole } from '../../driver/index.js';
import { Agent, type Dispatcher } from 'undici';

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
  /** Time-out of everything: connecting, sending, reading the answer. */
  readonly timeoutMs: number;
}

/** An HTTP answer. */
export interface HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Body as text. */
  readonly body: string;
  /** Where a redirect leads. It is not followed: a 301, 302 or 303 loses the body. @default no redirect */
  readonly redirect?: string | undefined;
}

/**
 * Says why a redirect is no answer.
 *
 * @param status - of the answer
 * @param redirect - where it leads
 */
export function redirectReason(status: number, redirect: string): string {
  return `status ${status}: redirects are not followed; use the URL ${redirect} instead`;
}

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Longest time of a timer in Node; a longer one fires at once. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** HTTP/1.1 over pooled keep-alive connections, one pool per origin. */
export class HttpRequester {
  readonly #agent: Agent;
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
      this.#agent.dispatch(options, new Exchange(url, request.timeoutMs, { resolve, reject }));
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

/** How an {@link Exchange} ends. */
interface Ending {
  resolve(response: HttpResponse): void;
  reject(error: unknown): void;
}

/**
 * Collects one answer within its time-out. It is a handler of the dispatcher, because the promises and abort signals of
 * undici cost as much as the request itself.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #ending: Ending;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #timeout: Error | undefined;
  #redirect: string | undefined;
  #status = 0;
  #chunks: Buffer[] = [];

  constructor(url: URL, timeoutMs: number, ending: Ending) {
    this.#url = url;
    this.#ending = ending;
    this.#timer = setTimeout(() => this.#timeOut(timeoutMs), Math.min(timeoutMs, MAX_TIMEOUT_MS));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#timeout) controller.abort(this.#timeout);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    this.#redirect = status >= 300 && status < 400 ? findRedirect(this.#url, headers) : undefined;
    this.#status = status;
    this.#chunks = [];
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#ending.resolve({ status: this.#status, body: body.toString(), redirect: this.#redirect });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#timer);
    this.#ending.reject(this.#timeout ?? error);
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

function findRedirect(from: URL, headers: AnswerHeaders): string | undefined {
  const location = headers['location'];
  if (typeof location !== 'string') return undefined;
  return URL.canParse(location, from.href) ? new URL(location, from).href : location;
}
