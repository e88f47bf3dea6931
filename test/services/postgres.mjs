// @ts-check
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running PostgreSQL. It trusts all local connections; the password is for clients that require one.
 *
 * @typedef {object} PostgresInfo
 * @property {string} host
 * @property {number} port
 * @property {string} user A superuser.
 * @property {string} password
 * @property {string} database
 * @property {string} url
 */

/** @typedef {PostgresInfo & ServerControl} PostgresServer */

const host = '127.0.0.1';
const user = 'dtm';
const password = 'dtm';
const database = 'dtm';

/**
 * Starts PostgreSQL with an empty database.
 *
 * @param {{ args?: readonly string[] }} [options] More arguments of the server.
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres({ args = [] } = {}) {
  const initdb = requireProgram('postgres', 'initdb');
  const postgres = requireProgram('postgres', 'postgres');

  const { ports, ...control } = await startServer({
    name: 'postgres',
    user: 'postgres',
    portCount: 1,
    stopSignal: 'SIGINT', // fast shutdown: does not wait for clients to disconnect
    prepare: () => [
      {
        program: initdb,
        args: ['-D', 'data', '-U', user, '-E', 'UTF8', '--locale=C.UTF-8', '--auth=trust', '--no-sync'],
      },
      {
        program: postgres,
        args: ['--single', '-F', '-D', 'data', 'postgres'],
        input: `CREATE DATABASE ${database}`,
      },
    ],
    command: (dir, [port]) => ({
      program: postgres,
      args: [
        '-D',
        'data',
        `--listen_addresses=${host}`,
        `--port=${port}`,
        `--unix_socket_directories=${dir}`,
        '--max_connections=200',
        '--max_prepared_transactions=64',
        // no fsync, but synchronous commits: committed data survives `kill`, but not a crash of the machine
        '--fsync=off',
        '--full_page_writes=off',
        ...args,
      ],
    }),
    isReady: (_, log) => log.includes('database system is ready to accept connections'),
  });

  const port = Number(ports[0]);
  const url = `postgres://${user}:${password}@${host}:${port}/${database}`;
  return { host, port, user, password, database, url, ...control };
}
