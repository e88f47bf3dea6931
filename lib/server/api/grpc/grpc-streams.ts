import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../../environment/clock.js';

/** How often the calls are checked. */
const CHECK_MS = 1000;

/** Number of checks after which a client that does not send its request completely, or goes on reading its answer, is given up. */
const MAX_CHECKS = 30;

/** Number of checks after which a client that has not read its whole answer is given up. */
const MAX_SENDING_CHECKS = 600;

/** An answer is written in parts of this size: only the end of a write shows that the client reads. */
const PART_BYTES = 64 * 1024;

/** Maximum number of bytes of a connection's requests that are not answered: 16 of the largest. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

interface Call {
  readonly connection: Connection;
  /** Received bytes. */
  bytes: number;
  /** Checks in a row that found the call waiting for its client. */
  checks: number;
  /** Checks in which the answer was being sent. */
  sendingChecks: number;
  /** Bytes of the answer that were not sent at the last check. */
  unsent: number;
  /** Bytes of the answer that are not written to the stream yet. */
  unwritten: number;
}

interface Connection {
  /** Received bytes of all calls that are not over. */
  bytes: number;
}

/**
 * Limits what clients make a gRPC server hold: grpc-js keeps the parts of a request, and an answer that is not read, for as
 * long as the client stays connected.
 */
export class GrpcStreams {
  readonly #clock: Clock;
  readonly #calls = new Map<ServerHttp2Stream, Call>();
  readonly #connections = new WeakMap<Http2Session, Connection>();
  #cancelCheck: (() => void) | undefined;

  /** @param clock - timer of the checks, which count instead of reading the time */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches a call. grpc-js must have added its own listeners: the first `data` listener starts the flow. */
  add(stream: ServerHttp2Stream): void {
    const call = {
      connection: this.#connectionOf(stream),
      bytes: 0,
      checks: 0,
      sendingChecks: 0,
      unsent: 0,
      unwritten: 0,
    };
    this.#calls.set(stream, call);
    writeInParts(stream, call);
    stream.on('data', ({ length }: Buffer) => {
      call.bytes += length;
      call.connection.bytes += length;
      if (call.connection.bytes <= MAX_REQUEST_BYTES) return;
      this.#forget(stream, call);
      refuse(stream);
    });
    stream.once('close', () => this.#forget(stream, call));
    this.#cancelCheck ??= this.#clock.after(CHECK_MS, this.#check);
  }

  /** Stops watching. */
  close(): void {
    this.#cancelCheck?.();
  }

  #forget(stream: ServerHttp2Stream, call: Call): void {
    if (this.#calls.delete(stream)) call.connection.bytes -= call.bytes;
  }

  #connectionOf({ session }: ServerHttp2Stream): Connection {
    const known = session && this.#connections.get(session);
    if (known) return known;
    const connection = { bytes: 0 };
    if (session) this.#connections.set(session, connection);
    return connection;
  }

  readonly #check = (): void => {
    this.#cancelCheck = this.#calls.size > 0 ? this.#clock.after(CHECK_MS, this.#check) : undefined;
    for (const [stream, call] of this.#calls) {
      const unsent = call.unwritten + stream.writableLength;
      const isSending = unsent > 0 || stream.writableEnded;
      const isReceiving = !isSending && !stream.readableEnded && !stream.headersSent;
      const isStuck = isReceiving || (isSending && unsent === call.unsent);
      call.unsent = unsent;
      call.checks = isStuck ? call.checks + 1 : 0;
      if (isSending) call.sendingChecks++;
      if (call.checks > MAX_CHECKS || call.sendingChecks > MAX_SENDING_CHECKS) refuse(stream);
    }
  };
}

type Written = (error?: Error | null) => void;

/** Replaces a method of a stream. Only answers to unary calls, which are one message, are large. */
function writeInParts(stream: ServerHttp2Stream, call: Call): void {
  const write = stream.write.bind(stream) as (bytes: Buffer, written?: Written) => boolean;
  const writePart = (bytes: Buffer, written?: Written): boolean => {
    const rest = bytes.subarray(PART_BYTES);
    call.unwritten = rest.length;
    if (rest.length === 0) return write(bytes, written);
    return write(bytes.subarray(0, PART_BYTES), (error) => {
      if (error || stream.destroyed) written?.(error);
      else writePart(rest, written);
    });
  };
  stream.write = writePart as ServerHttp2Stream['write'];
}

/**
 * Ends a call. The code becomes RESOURCE_EXHAUSTED at the client, which may take it that the call was not executed: grpc-js must
 * never hand the call to its handler.
 */
function refuse(stream: ServerHttp2Stream): void {
  stream.removeAllListeners('data').removeAllListeners('end').resume();
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}
