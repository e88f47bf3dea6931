import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { deferred, type Deferred } from './deferred.js';

/** A request that a participant received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  /** Raw query of the URL, without `?`. */
  readonly search: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as sent, in order. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** Index of the connection, from 0. */
  readonly connection: number;
}

/** An answer of a participant. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Handler = (
  request: ReceivedRequest,
  response: ServerResponse,
) => Reply | undefined | Promise<Reply | undefined>;

/** A real HTTP server that records requests and answers as scripted, by default 200 `{"dtm_result":"SUCCESS"}`. */
export class Participant {
  readonly requests: ReceivedRequest[] = [];
  readonly #server: Server;
  readonly #handlers = new Map<string, Handler[]>();
  readonly #sockets = new Map<Socket, number>();
  #waiting: { count: number; arrival: Deferred<void> }[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => this.#sockets.set(socket, this.#sockets.size));
  }

  /** Starts a participant on a free port; closes it after the test. */
  static async start(): Promise<Participant> {
    const participant = new Participant();
    await new Promise<void>((resolve) => void participant.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => participant.close());
    return participant;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Number of connections so far. */
  get connections(): number {
    return this.#sockets.size;
  }

  url(path: string): string {
    return this.origin + path;
  }

  /**
   * Scripts the answers of a path: one reply per request; the last reply repeats. A handler that returns undefined sends
   * its own answer, or none.
   */
  answer(path: string, ...replies: readonly (Reply | Handler)[]): this {
    this.#handlers.set(
      path,
      replies.map((reply) => (typeof reply === 'function' ? reply : () => reply)),
    );
    return this;
  }

  /** Requests to one path. */
  to(path: string): ReceivedRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Method and path of each request, in order. */
  get lines(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** Resolves after the given number of requests. */
  async received(count: number): Promise<void> {
    if (this.requests.length >= count) return;
    const arrival = deferred();
    this.#waiting.push({ count, arrival });
    await arrival.promise;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://participant');
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: pathname,
      search: search.slice(1),
      query: Object.fromEntries(searchParams),
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: Buffer.concat(chunks).toString(),
      connection: this.#sockets.get(request.socket) ?? -1,
    };
    this.requests.push(received);
    this.#waiting = this.#waiting.filter(({ count, arrival }) => {
      if (this.requests.length < count) return true;
      arrival.resolve();
      return false;
    });
    const handlers = this.#handlers.get(pathname) ?? [];
    const handler = handlers.length > 1 ? handlers.shift() : handlers[0];
    const reply = handler ? await handler(received, response) : {};
    if (!reply) return;
    const { status = 200, headers = {}, body = '{"dtm_result":"SUCCESS"}' } = reply;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  }
}
