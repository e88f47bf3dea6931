import { connect, createServer, type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { DtmConfigError, errorText } from '../../protocol/internal.js';
import type { Address } from '../support/lookup/address.js';
import { NamedAuthority } from './named-authority.js';

/** A port whose calls go on to another one. */
export interface AuthorityProxy {
  /** The port. */
  readonly port: number;
  /** Takes no new connections. Those that there are end with the server behind it. */
  close(): void;
}

/**
 * Opens a port at which Go's clients of Polaris can call a gRPC server of Node, see {@link NamedAuthority}. What keeps the
 * process alive is that server, not the port.
 *
 * @param port - of all interfaces; 0 for a free one
 * @param to - the server
 * @throws DtmConfigError when the port cannot be opened
 */
export async function openAuthorityProxy(port: number, to: Address): Promise<AuthorityProxy> {
  const server = createServer((caller) => {
    const callee = connect({ host: to.host, port: to.port });
    for (const socket of [caller, callee]) socket.setNoDelay().unref();
    // how a connection ends is between the two
    pipeline(caller, new NamedAuthority(), callee, () => undefined);
    pipeline(callee, caller, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error): void => {
      const why = `the frontPort ${port} cannot be opened: ${errorText(cause)}`;
      reject(new DtmConfigError(`driver dtm-driver-polaris: ${why}`, { cause }));
    };
    server.once('error', refuse).listen(port, resolve);
  });
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
