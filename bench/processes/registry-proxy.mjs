import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { serve } from '../support/worker.mjs';

/** @import { AddressInfo } from 'node:net' */

/** Length of the HTTP/2 connection preface. */
const PREFACE = 24;
const FRAME_HEAD = 9;

/**
 * Traffic from clients to one registry.
 *
 * @typedef {object} Counts
 * @property {number} requests - HTTP/1.1 requests, or gRPC messages, so that each watch on one stream counts
 * @property {number} bytes - all bytes, including pings
 * @property {number} open - open connections
 * @property {number} highest - most connections at the same time
 */

/** @type {Map<number, Counts>} */
const counted = new Map();

/** @param {Counts} counts */
function countHttp1(counts) {
  return (/** @type {Buffer} */ chunk) => {
    counts.requests += chunk.toString('latin1').match(/(?:GET|POST|PUT|DELETE) \/\S* HTTP\/1\.1\r\n/g)?.length ?? 0;
  };
}

/** @param {Counts} counts */
function countGrpc(counts) {
  let skip = PREFACE;
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  return (/** @type {Buffer} */ chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      rest = rest.subarray(skipped);
      skip -= skipped;
      if (skip > 0 || rest.length < FRAME_HEAD) return;
      const length = rest.readUIntBE(0, 3);
      const isData = rest[3] === 0;
      if (isData && length > 0) counts.requests += 1;
      skip = FRAME_HEAD + length;
    }
  };
}

const handlers = {
  /**
   * Starts a proxy in front of a registry.
   *
   * @param {string} host
   * @param {number} port
   * @param {'http1' | 'grpc'} protocol
   * @returns {Promise<number>} port of the proxy
   */
  start: async (host, port, protocol) => {
    /** @type {Counts} */
    const counts = { requests: 0, bytes: 0, open: 0, highest: 0 };
    const server = createServer((client) => {
      counts.open += 1;
      counts.highest = Math.max(counts.highest, counts.open);
      const registry = connect(port, host);
      const count = protocol === 'grpc' ? countGrpc(counts) : countHttp1(counts);
      client.on('data', (chunk) => {
        counts.bytes += chunk.length;
        count(chunk);
      });
      client.pipe(registry).pipe(client);
      client.on('error', () => registry.destroy());
      registry.on('error', () => client.destroy());
      client.once('close', () => {
        counts.open -= 1;
        registry.destroy();
      });
    });
    server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
    await once(server, 'listening');
    const own = /** @type {AddressInfo} */ (server.address()).port;
    counted.set(own, counts);
    return own;
  },
  /**
   * @param {number} port - port of the proxy
   * @returns {Counts}
   */
  counts: (port) => {
    const counts = counted.get(port);
    if (!counts) throw new Error(`no proxy on port ${port}`);
    return { ...counts };
  },
};

/** @typedef {typeof handlers} RegistryProxy */

serve(handlers);
