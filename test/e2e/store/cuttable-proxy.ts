import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Where a connection is cut. */
export type Cut = 'before' | 'after';

/** A way to a server on which connections can be cut at a moment that a test chooses. */
export class CuttableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #marker: string | undefined;
  #cut: Cut = 'before';
  /** Connections that were cut where they should be. */
  cuts = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => this.#pass(client, connect(target.port, target.host)));
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    await new Promise<void>((resolve) => void proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Cuts the next connection on which a text is sent: before the server gets it, or after it has answered, so that the
   * answer is lost.
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
    let isDoomed = false;
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
        isDoomed = true;
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (isDoomed) end();
      else client.write(data);
    });
  }
}
