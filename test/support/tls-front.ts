import { connect, type AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

/**
 * Takes connections over TLS and passes on what they bring, plainly, as a proxy in front of dtm does; ends with the test.
 *
 * @param target - `host:port`
 * @param options - certificate, and whether clients need one
 * @returns its port
 */
export async function startTlsFront(target: string, options: TlsOptions): Promise<number> {
  const url = new URL(`tcp://${target}`);
  const sockets = new Set<TLSSocket>();
  const server = createServer({ ALPNProtocols: ['h2'], ...options }, (socket) => {
    const inner = connect(Number(url.port), url.hostname);
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
    sockets.add(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
