import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node publishes every connection of every server of the process to this channel. */
const CHANNEL = 'net.server.socket';

/** The open connections of a port; grpc-js does not expose them. */
export class ServerSockets {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  /** @param port - TCP port of one server */
  constructor(port: number) {
    this.#port = port;
    subscribe(CHANNEL, this.#onSocket);
  }

  /** Closes all connections. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Stops watching for connections. */
  close(): void {
    unsubscribe(CHANNEL, this.#onSocket);
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== this.#port) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };
}
