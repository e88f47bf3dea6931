// @ts-check
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running MariaDB.
 *
 * @typedef {object} MariadbInfo
 * @property {string} host
 * @property {number} port
 * @property {string} user A user with all rights, who needs the password.
 * @property {string} password
 * @property {string} database
 * @property {string} url
 */

/** @typedef {MariadbInfo & ServerControl} MariadbServer */

const host = '127.0.0.1';
const user = 'dtm';
const password = 'dtm';
const database = 'dtm';

const initSql = [
  `CREATE DATABASE IF NOT EXISTS ${database};`,
  `CREATE USER IF NOT EXISTS '${user}'@'${host}' IDENTIFIED BY '${password}';`,
  `GRANT ALL ON *.* TO '${user}'@'${host}' WITH GRANT OPTION;`,
].join('\n');

/**
 * Starts MariaDB with an empty database, and with the character set and strict SQL mode of Debian.
 *
 * @param {{ args?: readonly string[] }} [options] More arguments of the server.
 * @returns {Promise<MariadbServer>}
 */
export async function startMariadb({ args = [] } = {}) {
  const install = requireProgram('mariadb', 'mariadb-install-db');
  const mariadbd = requireProgram('mariadb', 'mariadbd');

  const { ports, ...control } = await startServer({
    name: 'mariadb',
    user: 'mysql',
    portCount: 1,
    stopSignal: 'SIGTERM',
    prepare: (dir) => [
      {
        program: install,
        args: ['--no-defaults', `--datadir=${dir}/data`, '--skip-test-db', '--skip-name-resolve'],
      },
      { program: 'tee', args: ['init.sql'], input: initSql },
    ],
    command: (dir, [port]) => ({
      program: mariadbd,
      args: [
        '--no-defaults',
        `--datadir=${dir}/data`,
        `--socket=${dir}/socket`,
        `--init-file=${dir}/init.sql`,
        `--bind-address=${host}`,
        `--port=${port}`,
        '--skip-name-resolve',
        '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_general_ci',
        '--max-connections=200',
        // writes at each commit, syncs later: committed data survives `kill`, but not a crash of the machine
        '--innodb-flush-log-at-trx-commit=2',
        ...args,
      ],
    }),
    isReady: (_, log) => log.includes('ready for connections'),
  });

  const port = Number(ports[0]);
  const url = `mysql://${user}:${password}@${host}:${port}/${database}`;
  return { host, port, user, password, database, url, ...control };
}
