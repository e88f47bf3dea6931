// @ts-check
import { dirname, join } from 'node:path';

import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Go dtm.
 *
 * @typedef {object} DtmInfo
 * @property {string} host
 * @property {number} httpPort HTTP, and JSON-RPC under `/api/json-rpc`.
 * @property {number} grpcPort
 * @property {string} url Base URL of the HTTP API.
 */

/** @typedef {DtmInfo & ServerControl} DtmServer */

/**
 * Store of dtm. The results of `startRedis`, `startPostgres` and `startMariadb` have all fields except `driver`.
 *
 * @typedef {object} DtmStore
 * @property {'redis' | 'postgres' | 'mysql'} driver
 * @property {string} host
 * @property {number} port
 * @property {string} [user]
 * @property {string} [password]
 * @property {string} [database]
 * @property {boolean} [createTables] Whether dtm drops and creates its own tables first: on PostgreSQL in the database
 *   with the name of the user, on MySQL in the database `dtm`. Default: false.
 */

/**
 * Options of {@link startDtm}.
 *
 * @typedef {object} DtmOptions
 * @property {DtmStore} [store] Default: boltdb in the temporary folder.
 * @property {'dtm' | 'dtm-protocol1'} [build] The program: original dtm, or dtm with `dtm-driver-protocol1`, which needs
 *   `env: { MICRO_SERVICE_DRIVER: 'dtm-driver-protocol1' }`. Default: dtm.
 * @property {DtmSettings | ((ports: Readonly<{ httpPort: number, grpcPort: number }>) => DtmSettings)} [env] dtm's own
 *   settings, such as `LOG_LEVEL` or `TRANS_CRON_INTERVAL`; they override all settings here. Pass a function for settings
 *   that contain the ports of dtm.
 * @property {Readonly<Record<string, string>>} [files] Files in the working directory of dtm, such as the `polaris.yaml`
 *   of the Polaris driver.
 */

/** @typedef {Readonly<Record<string, string>>} DtmSettings */

const host = '127.0.0.1';

/**
 * Starts the real dtm server of `dtm-labs`.
 *
 * @param {DtmOptions} [options]
 * @returns {Promise<DtmServer>}
 *
 * @example
 * const postgres = await startPostgres();
 * const dtm = await startDtm({
 *   store: { driver: 'postgres', ...postgres, createTables: true },
 *   env: { LOG_LEVEL: 'warn' },
 * });
 *
 * @example
 * const etcd = await startEtcd();
 * const dtm = await startDtm({
 *   env: ({ grpcPort }) => ({
 *     MICRO_SERVICE_DRIVER: 'dtm-driver-gozero',
 *     MICRO_SERVICE_TARGET: `etcd://${etcd.host}:${etcd.port}/dtmservice`,
 *     MICRO_SERVICE_END_POINT: `127.0.0.1:${grpcPort}`,
 *   }),
 * });
 */
export async function startDtm({ store, build = 'dtm', env = {}, files = {} } = {}) {
  const dtm = requireProgram(build, build);
  let createTables = store?.createTables ?? false;
  /** @param {readonly number[]} ports */
  const settings = ([httpPort = 0, grpcPort = 0]) => (typeof env === 'function' ? env({ httpPort, grpcPort }) : env);

  const { ports, ...control } = await startServer({
    name: build,
    portCount: 2,
    stopSignal: 'SIGINT', // a library of dtm waits 5.5 s after an early SIGTERM
    // dtm reads the scripts of its tables from the working directory
    prepare: () => [
      { program: 'ln', args: ['-s', join(dirname(dtm), 'sqls'), 'sqls'] },
      ...Object.entries(files).map(([file, input]) => ({ program: 'tee', args: [file], input })),
    ],
    command: (_, given) => ({
      program: dtm,
      args: createTables ? ['-r'] : [],
      env: {
        HTTP_PORT: String(given[0]),
        GRPC_PORT: String(given[1]),
        // otherwise dtm writes branch states up to 200 ms late, and the progress of workflows on boltdb never
        UPDATE_BRANCH_SYNC: '1',
        ...(store ? storeEnv(store) : {}),
        ...settings(given),
      },
    }),
    // dtm serves the admin page last, after the driver; the API answers 100 ms earlier
    isReady: (given) => redirects(`http://${host}:${given[0]}${settings(given)['ADMIN_BASE_PATH'] ?? ''}/admin`),
  });
  createTables = false;

  const [httpPort, grpcPort] = /** @type {[number, number]} */ (ports);
  return { host, httpPort, grpcPort, url: apiUrl(httpPort), ...control };
}

/** @param {number | undefined} port */
function apiUrl(port) {
  return `http://${host}:${port}/api/dtmsvr`;
}

/** @param {DtmStore} store */
function storeEnv(store) {
  return {
    STORE_DRIVER: store.driver,
    STORE_HOST: store.host,
    STORE_PORT: String(store.port),
    STORE_USER: store.user ?? '',
    STORE_PASSWORD: store.password ?? '',
    STORE_DB: store.database ?? '',
  };
}

/** @param {string} url */
async function redirects(url) {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(1000) });
    return response.status === 301;
  } catch {
    return false;
  }
}
