import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../../environment/clock.js';
import { GrpcStreams } from './grpc-streams.js';

/** Node publishes every connection of every server of the process to this channel. */
const CHANNEL = 'net.server.socket';

/** Further connections are closed at once, which protects memory and file descriptors. */
const MAX_CONNECTIONS = 10_000;

/** The open connections of a gRPC server and their calls; grpc-js does not expose them. */
export class GrpcConnections {
  readonly #port: number;
  readonly #streams: GrpcStreams;
  readonly #sockets = new Set<Socket>();
  #server: Http2Server | undefined;

  /** @param port - TCP port of the server */
  constructor(port: number, clock: Clock) {
    this.#port = port;
    this.#streams = new GrpcStreams(clock);
    subscribe(CHANNEL, this.#onSocket);
  }

  /** Closes all connections. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Stops watching. */
  close(): void {
    unsubscribe(CHANNEL, this.#onSocket);
    this.#streams.close();
  }

  readonly #onSocket = (message: unknown): void => {
    // Node sets the server of an accepted socket
    const { socket } = message as { readonly socket: Socket & { readonly server: Http2Server } };
    if (socket.localPort !== this.#port) return;
    if (socket.server !== this.#server) this.#watch(socket.server);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };

  #watch(server: Http2Server): void {
    this.#server = server;
    server.maxConnections = MAX_CONNECTIONS;
    server.on('stream', (stream: ServerHttp2Stream) => this.#streams.add(stream));
  }
}
