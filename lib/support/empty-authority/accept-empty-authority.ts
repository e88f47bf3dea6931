import type { Server as NetServer, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { screenConnection } from './screen-connection.js';

/** Marks the servers, also for another copy of the package. */
const SCREENED = Symbol.for('nestjs-dtm:screened');

/**
 * Makes a gRPC server of Node accept calls whose `:authority` is empty, as Go's client of Polaris sends them. Node's HTTP/2 refuses
 * such calls with `PROTOCOL_ERROR`. Other clients are not affected. Needs no TLS.
 *
 * @param server - a server of `@grpc/grpc-js` that listens
 *
 * @example
 * // the options of a Nest microservice that does not use dtmGrpcOptions, which calls this function itself
 * onLoadPackageDefinition: (_, server) => acceptEmptyAuthority(server),
 */
export function acceptEmptyAuthority(server: object): void {
  // grpc-js does not publish its servers of HTTP/2
  const { http2Servers } = server as { readonly http2Servers?: ReadonlyMap<NetServer, unknown> };
  if (!(http2Servers instanceof Map)) {
    process.emitWarning(
      "this version of @grpc/grpc-js does not accept calls of Go's client of Polaris, whose :authority is empty; use version 1.14",
      { type: 'DtmDriverWarning', code: 'DTM_EMPTY_AUTHORITY' },
    );
    return;
  }
  for (const http2Server of http2Servers.keys()) screenServer(http2Server);
}

function screenServer(server: NetServer): void {
  if (server instanceof TlsServer || !server.listening || SCREENED in server) return;
  Object.defineProperty(server, SCREENED, { value: true });
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) =>
    screenConnection(socket, (connection) => {
      if (server.listening) for (const listener of listeners) listener.call(server, connection);
      // the server has been closed in the meantime
      else connection.destroy();
    }),
  );
}
