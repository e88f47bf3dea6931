import { connect, createServer, type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { DtmConfigError, errorText } from '../../protocol/internal.js';
import type { HostPort } from '../../support/host-port.js';
import { AuthorityTransform } from './authority-transform.js';

/** A port that forwards calls. */
export interface AuthorityProxy {
  /** The port. */
  readonly port: number;
  /** Accepts no new connections. Open connections end with the server behind the proxy. */
  close(): void;
}

/**
 * Opens a port at which Go's client of Polaris can call a gRPC server of Node; see {@link AuthorityTransform}. The port does not
 * keep the process alive.
 *
 * @param port - on all interfaces; 0 for a free port
 * @throws DtmConfigError when the port cannot be opened
 */
export async function openAuthorityProxy(port: number, server: HostPort): Promise<AuthorityProxy> {
  const proxy = createServer((caller) => {
    const callee = connect({ host: server.host, port: server.port });
    for (const socket of [caller, callee]) socket.setNoDelay().unref();
    // the two ends handle the errors of a connection
    pipeline(caller, new AuthorityTransform(), callee, () => undefined);
    pipeline(callee, caller, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error): void => {
      const why = `the proxyPort ${port} cannot be opened: ${errorText(cause)}`;
      reject(new DtmConfigError(`driver dtm-driver-polaris: ${why}`, { cause }));
    };
    proxy.once('error', refuse).listen(port, resolve);
  });
  proxy.unref();
  return { port: (proxy.address() as AddressInfo).port, close: () => void proxy.close() };
}
