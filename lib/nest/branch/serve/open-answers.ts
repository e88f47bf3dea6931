import type { IncomingMessage, ServerResponse } from 'node:http';

interface Connection {
  answers: number;
  isClosed: boolean;
}

/**
 * Counts the answers over HTTP that are not sent. A connection is watched, too: Node emits no `close` for the answers to
 * pipelined requests that are queued when the client hangs up.
 */
export class OpenAnswers {
  readonly #connections = new WeakMap<object, Connection>();
  readonly #onFewer: () => void;
  #count = 0;

  /** @param onFewer - called when the count has become smaller */
  constructor(onFewer: () => void) {
    this.#onFewer = onFewer;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds the answer to a request, until it is sent or its connection is closed. */
  add({ socket }: IncomingMessage, response: ServerResponse): void {
    if (response.writableFinished || response.destroyed) return;
    const connection = this.#connections.get(socket) ?? this.#watch(socket);
    if (connection.isClosed) return;
    connection.answers += 1;
    this.#count += 1;
    let isOpen = true;
    // on() costs a branch call half of what once() does
    response.on('close', () => {
      if (isOpen) this.#remove(connection, 1);
      isOpen = false;
    });
  }

  #watch(socket: IncomingMessage['socket']): Connection {
    const connection: Connection = { answers: 0, isClosed: socket.destroyed };
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      this.#remove(connection, connection.answers);
      connection.isClosed = true;
    });
    return connection;
  }

  #remove(connection: Connection, count: number): void {
    if (connection.isClosed) return;
    connection.answers -= count;
    this.#count -= count;
    this.#onFewer();
  }
}
