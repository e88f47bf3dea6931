// @ts-check
import { join } from 'node:path';

import { javaOptions } from './java.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */
/** @import { Command } from './workspace.mjs' */

/**
 * A bank on a client of DTM in another language: dtm's Go client, dtmcli for Python, or dtmcli-springcloud.
 *
 * @typedef {'go' | 'python' | 'java'} Language
 */

/**
 * Options of {@link startDtmcliBank}.
 *
 * @typedef {object} BankOptions
 * @property {Language} language
 * @property {Readonly<{ host: string, port: number, user: string, password: string }>} [mariadb] Server with the database
 *   `dtm_busi` and its table `user_account (user_id, balance)`, and with the barrier table `dtm_barrier.barrier`. Only the
 *   branches need it.
 * @property {readonly string[]} [args] Further arguments, such as properties of Spring.
 */

/**
 * A running bank. Branches: `POST /TransOut`, `/TransOutRevert`, `/TransIn`, `/TransInRevert`, `/Confirm`, each with
 * `{ userId, amount }` and within the barrier of the client; `GET /QueryPrepared`. `POST /begin` runs a transaction with
 * the client.
 *
 * @typedef {object} BankInfo
 * @property {number} port
 * @property {string} url
 */

/** @typedef {BankInfo & ServerControl} DtmcliBank */

const host = '127.0.0.1';

/**
 * Starts a bank.
 *
 * @param {BankOptions} options
 * @returns {Promise<DtmcliBank>}
 */
export async function startDtmcliBank({ language, mariadb, args = [] }) {
  const commandOf = commands[language]();
  /** @type {Record<string, string | number>} */
  const database = mariadb
    ? { host: mariadb.host, port: mariadb.port, user: mariadb.user, password: mariadb.password }
    : {};
  const databaseArgs = Object.entries(database).map(([name, value]) => `--db-${name}=${value}`);

  const { ports, ...control } = await startServer({
    name: `dtmcli-${language}`,
    portCount: 1,
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (dir, [port]) => commandOf(dir, Number(port), [...databaseArgs, ...args]),
    isReady: (_, log) => log.includes('bank is ready on '),
  });

  const port = Number(ports[0]);
  return { port, url: `http://${host}:${port}`, ...control };
}

/** @type {Record<Language, () => (dir: string, port: number, args: readonly string[]) => Command>} */
const commands = {
  go: () => {
    const program = requireProgram('dtmcli-go', 'dtmcli-go');
    return (_, port, args) => ({ program, args: [`--address=${host}:${port}`, ...args] });
  },
  python: () => {
    const program = requireProgram('dtmcli-python', 'bin/python');
    const bank = join(import.meta.dirname, 'dtmcli-python', 'bank.py');
    return (_, port, args) => ({ program, args: [bank, `--address=${host}:${port}`, ...args] });
  },
  java: () => {
    const program = requireProgram('dtmcli-java', 'java');
    const jar = requireProgram('dtmcli-java', 'dtmcli-java.jar');
    return (dir, port, args) => ({
      program,
      args: [
        '-Xmx256m',
        ...javaOptions(dir),
        '-jar',
        jar,
        `--server.address=${host}`,
        `--server.port=${port}`,
        ...args,
      ],
    });
  },
};
