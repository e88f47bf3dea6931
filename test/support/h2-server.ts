import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A call as it came over the wire. */
export interface RawCall {
  readonly headers: IncomingHttpHeaders;
  /** Names and values of the headers in order, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** Length-prefixed messages, as they were sent. */
  readonly body: Buffer;
  /** Which of the server's connections it came on, from 0. */
  readonly connection: number;
  readonly stream: ServerHttp2Stream;
}

/** A server of HTTP/2 without gRPC: shows what is really sent, and answers what no gRPC library would. */
export class H2Server {
  readonly calls: RawCall[] = [];
  /** Connections that are open. */
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

  /** Starts one on a free port; it ends with the test. */
  static async start(handler: (call: RawCall) => void = answerOk): Promise<H2Server> {
    const server = new H2Server(handler);
    await new Promise<void>((resolve) => void server.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => server.close());
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Answers differently from now on. */
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

/** Answers with a message and a status. */
export function answerOk({ stream }: RawCall): void {
  answerGrpc(stream, 0, Buffer.alloc(0));
}

/** Answers the way gRPC does. */
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
