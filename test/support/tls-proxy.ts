import { connect, type AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

/**
 * Starts a proxy that terminates TLS and forwards plain TCP, like a proxy in front of dtm; closes it after the test.
 *
 * @param target - `host:port`
 * @param options - server certificate, and whether clients need a certificate
 * @returns the port of the proxy
 */
export async function startTlsProxy(target: string, options: TlsOptions): Promise<number> {
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
