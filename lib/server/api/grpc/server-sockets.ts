import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node tells this channel of each connection that a server of the process gets. */
const CHANNEL = 'net.server.socket';

/** The open connections of a port, for those whose library does not show them. */
export class ServerSockets {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  /** @param port - TCP port, of one server only */
  constructor(port: number) {
    this.#port = port;
    subscribe(CHANNEL, this.#onSocket);
  }

  /** Cuts them off. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends the watch for new ones. */
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
