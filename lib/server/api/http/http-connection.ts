import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../environment/clock.js';

/** A request with its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Maximum number of requests that wait for the answers to earlier requests of their connection. */
const MAX_WAITING = 1000;

/** A client that has no room for the next part of its answer in this time is disconnected, so that it cannot hold memory. */
const READ_TIMEOUT_MS = 30_000;

/** A client that has not read its whole answer in this time is disconnected. */
const TOTAL_READ_TIMEOUT_MS = 600_000;

/** The same time while the listener closes. */
const CLOSING_READ_TIMEOUT_MS = 1000;

/** An answer is written in parts of this size: only the end of a write shows that the client reads. */
const PART_BYTES = 64 * 1024;

/**
 * The requests of a connection. A request is executed when the answers to all earlier ones are sent: a client that pipelines
 * and does not read holds one answer at most, and requests that change something must not run in parallel (RFC 9112, section
 * 9.3.2).
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #answer: (exchange: Exchange, connection: HttpConnection) => void;
  #waiting: Exchange[] = [];
  #current: Exchange | undefined;
  #hasArrived = false;
  #isClosing = false;
  /** Gives up a client that does not read; undefined while nothing is sent. */
  #cancelTimeout: (() => void) | undefined;
  #cancelTotalTimeout: (() => void) | undefined;

  /**
   * @param socket - the connection
   * @param clock - limits how long the client reads nothing
   * @param answer - reads a request and answers it; calls {@link arrived} and {@link send}
   */
  constructor(socket: Socket, clock: Clock, answer: (exchange: Exchange, connection: HttpConnection) => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#answer = answer;
    // Node emits no event for the responses in the queue of a connection that has closed
    socket.once('close', () => (this.#waiting = []));
  }

  /** Takes a request whose head has arrived. */
  add(exchange: Exchange): void {
    if (!this.#current) this.#begin(exchange);
    else if (this.#waiting.length === MAX_WAITING) this.#socket.destroy();
    else this.#waiting.push(exchange);
  }

  /** The body of the current request has arrived. */
  arrived(): void {
    this.#hasArrived = true;
  }

  /** Sends the body of the answer to the current request, whose headers are set. */
  send(body: Buffer): void {
    const { response } = this.#current!;
    this.#limitReading();
    this.#cancelTotalTimeout ??= this.#clock.after(TOTAL_READ_TIMEOUT_MS, () => void this.#socket.destroy());
    const rest = body.subarray(PART_BYTES);
    if (rest.length === 0) return void response.end(body);
    response.write(body.subarray(0, PART_BYTES), (error) => {
      if (!error && !response.destroyed) this.send(rest);
    });
  }

  /** Answers the requests that have arrived completely, then closes the connection. */
  close(): void {
    this.#isClosing = true;
    if (!this.#hasArrived) this.#socket.destroy();
    else if (this.#cancelTimeout) this.#limitReading();
  }

  #begin(exchange: Exchange): void {
    this.#current = exchange;
    // Node reports the end of the response whose turn it is, even when the connection is lost
    exchange.response.once('close', () => this.#next());
    this.#answer(exchange, this);
  }

  #next(): void {
    this.#cancelTimeout?.();
    this.#cancelTotalTimeout?.();
    this.#cancelTimeout = undefined;
    this.#cancelTotalTimeout = undefined;
    this.#current = undefined;
    this.#hasArrived = false;
    const next = this.#waiting.shift();
    if (this.#isClosing && !next?.request.complete) this.#socket.destroy();
    else if (next && this.#socket.writable) {
      // without a next request, Node has set the time-out of idle connections
      this.#socket.setTimeout(0);
      this.#begin(next);
    }
  }

  /** Gives the client time to read the next part. */
  #limitReading(): void {
    this.#cancelTimeout?.();
    const giveUp = (): void => void this.#socket.destroy();
    if (this.#isClosing) {
      const timer = setTimeout(giveUp, CLOSING_READ_TIMEOUT_MS);
      this.#cancelTimeout = () => clearTimeout(timer);
    } else this.#cancelTimeout = this.#clock.after(READ_TIMEOUT_MS, giveUp);
  }
}
