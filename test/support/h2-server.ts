import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A call as sent over the wire. */
export interface RawCall {
  readonly headers: IncomingHttpHeaders;
  /** Names and values of the headers as sent, in order. */
  readonly rawHeaders: readonly string[];
  /** Length-prefixed messages as sent. */
  readonly body: Buffer;
  /** Index of the connection, from 0. */
  readonly connection: number;
  readonly stream: ServerHttp2Stream;
}

/** An HTTP/2 server without a gRPC library: records raw calls and can send answers that no gRPC library would. */
export class H2Server {
  readonly calls: RawCall[] = [];
  /** Open connections. */
  readonly sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;
  #connections = new Map<ServerHttp2Session, number>();
  #handler: (call: RawCall) => void;

  private constructor(handler: (call: RawCall) => void) {
    this.#handler = handler;
    this.#server = createServer();
    this.#server.on('session', (session) => {
      this.#connections.set(session, this.#connections.size);
      this.sessions.add(session);
      session.once('close', () => this.sessions.delete(session));
    });
    this.#server.on('stream', (stream, headers, _flags, rawHeaders: string[]) => {
      stream.on('error', () => undefined);
      const connection = this.#connections.get(stream.session as ServerHttp2Session)!;
      void this.#serve(stream, { headers, rawHeaders, connection });
    });
  }

  /** Starts a server on a free port; closes it after the test. */
  static async start(handler: (call: RawCall) => void = answerOk): Promise<H2Server> {
    const server = new H2Server(handler);
    await new Promise<void>((resolve) => void server.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => server.close());
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Number of connections so far. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Replaces the handler. */
  answer(handler: (call: RawCall) => void): void {
    this.#handler = handler;
  }

  close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }

  async #serve(stream: ServerHttp2Stream, call: Omit<RawCall, 'body' | 'stream'>): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return;
    }
    const received = { ...call, body: Buffer.concat(chunks), stream };
    this.calls.push(received);
    this.#handler(received);
  }
}

/** Answers OK with an empty message. */
export function answerOk({ stream }: RawCall): void {
  answerGrpc(stream, 0, Buffer.alloc(0));
}

/** Sends a gRPC answer. */
export function answerGrpc(stream: ServerHttp2Stream, status: number, message?: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': '' }));
  if (message) {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.write(Buffer.concat([head, message]));
  }
  stream.end();
}
