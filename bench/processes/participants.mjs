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
function identity(bytes) {
  return bytes;
}

/** @type {import('@grpc/grpc-js').handleUnaryCall<Buffer, Buffer>} */
function answer(_call, callback) {
  calls += 1;
  callback(null, Buffer.alloc(0));
}

const handlers = {
  /**
   * Serves no-op branches at every path.
   *
   * @returns {Promise<string>} base URL
   */
  start: async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
  },
  /**
   * Serves a gRPC coordinator that accepts every transaction and stores nothing.
   *
   * @returns {Promise<string>} host and port
   */
  startGrpc: async () => {
    const grpcServer = new Server();
    const path = '/dtmgimp.Dtm/Submit';
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    grpcServer.addService({ [path]: method }, { [path]: answer });
    const bind = promisify(grpcServer.bindAsync.bind(grpcServer));
    return `127.0.0.1:${await bind('127.0.0.1:0', ServerCredentials.createInsecure())}`;
  },
  calls: () => calls,
};

/** @typedef {typeof handlers} Participants */

serve(handlers);
