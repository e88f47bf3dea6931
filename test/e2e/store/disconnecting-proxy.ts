import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Point at which a connection is cut: before the request, or after the answer. */
export type Cut = 'before' | 'after';

/** A TCP proxy that cuts connections at a point that a test chooses. */
export class DisconnectingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #marker: string | undefined;
  #cut: Cut = 'before';
  /** Number of connections that the proxy has cut. */
  cuts = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => this.#pass(client, connect(target.port, target.host)));
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<DisconnectingProxy> {
    const proxy = new DisconnectingProxy(target);
    await new Promise<void>((resolve) => void proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Cuts the next connection that sends the marker: before the server receives it, or after the server has answered, so
   * that the answer is lost.
   */
  cutAt(marker: string, cut: Cut): void {
    this.#marker = marker;
    this.#cut = cut;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const stopped = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  #pass(client: Socket, server: Socket): void {
    let losesAnswer = false;
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on('data', (data) => {
      if (this.#marker !== undefined && data.includes(this.#marker)) {
        this.#marker = undefined;
        this.cuts++;
        if (this.#cut === 'before') return end();
        losesAnswer = true;
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (losesAnswer) end();
      else client.write(data);
    });
  }
}
