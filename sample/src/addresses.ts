import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Whether the application ends after the demonstration. */
export const ONCE = process.argv.includes('--once');

/** Whether the application makes no transfers of its own. */
export const NO_DEMO = process.argv.includes('--no-demo');

/** Addresses of this application, for listeners and for the coordinator. */
export const HOST = '127.0.0.1';
export const HTTP_PORT = Number(process.env.PORT ?? (ONCE ? await freePort() : 3000));
export const GRPC_PORT = Number(process.env.GRPC_PORT ?? (ONCE ? await freePort() : 50_051));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
