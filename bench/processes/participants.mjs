import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { serve } from '../support/worker.mjs';

let calls = 0;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    calls += 1;
    response.setHeader('content-type', 'application/json').end('{"dtm_result":"SUCCESS"}');
  });
});

/** @param {Buffer} bytes */
function asIs(bytes) {
  return bytes;
}

/** @type {import('@grpc/grpc-js').handleUnaryCall<Buffer, Buffer>} */
function answer(_call, callback) {
  calls += 1;
  callback(null, Buffer.alloc(0));
}

const handlers = {
  /**
   * Serves branches that do nothing, at every path.
   *
   * @returns {Promise<string>} base URL
   */
  start: async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
  },
  /**
   * Serves the branches `nestjsdtm.Bank/Out`, `/In` and their compensations over gRPC, and takes every transaction.
   *
   * @returns {Promise<string>} host and port
   */
  startGrpc: async () => {
    const grpcServer = new Server();
    const paths = [
      ...['Out', 'In', 'UndoOut', 'UndoIn'].map((name) => `/nestjsdtm.Bank/${name}`),
      // a coordinator that stores nothing
      '/dtmgimp.Dtm/Submit',
    ];
    const methods = paths.map((path) => [
      path,
      {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    ]);
    const service = Object.fromEntries(methods);
    grpcServer.addService(service, Object.fromEntries(paths.map((path) => [path, answer])));
    const bind = promisify(grpcServer.bindAsync.bind(grpcServer));
    return `127.0.0.1:${await bind('127.0.0.1:0', ServerCredentials.createInsecure())}`;
  },
  calls: () => calls,
};

/** @typedef {typeof handlers} Participants */

serve(handlers);
