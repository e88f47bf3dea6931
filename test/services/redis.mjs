// @ts-check
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Redis, without a password.
 *
 * @typedef {object} RedisInfo
 * @property {string} host
 * @property {number} port
 * @property {string} url
 */

/** @typedef {RedisInfo & ServerControl} RedisServer */

const host = '127.0.0.1';

/**
 * Starts an empty Redis.
 *
 * @param {{ appendOnly?: boolean }} [options] Whether data survives `kill` and `restart`. Default: true.
 * @returns {Promise<RedisServer>}
 */
export async function startRedis({ appendOnly = true } = {}) {
  const redis = requireProgram('redis', 'redis-server');

  const { ports, ...control } = await startServer({
    name: 'redis',
    portCount: 1,
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (dir, [port]) => ({
      program: redis,
      args: ['-'],
      // the append-only file survives `kill` without fsync, in the page cache
      input: `
        bind ${host}
        port ${port}
        dir ${dir}
        save ""
        appendonly ${appendOnly ? 'yes' : 'no'}
        appendfsync no
      `,
    }),
    isReady: (_, log) => log.includes('Ready to accept connections'),
  });

  const port = Number(ports[0]);
  return { host, port, url: `redis://${host}:${port}`, ...control };
}
