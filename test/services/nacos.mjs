// @ts-check
import { tryGet } from './http.mjs';
import { javaOptions } from './java.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Nacos.
 *
 * @typedef {object} NacosInfo
 * @property {string} host
 * @property {number} port Port of the HTTP API under `/nacos`; gRPC uses this port + 1000.
 * @property {string} url Base URL of the HTTP API.
 */

/** @typedef {NacosInfo & ServerControl} NacosServer */

/**
 * Options of {@link startNacos}.
 *
 * @typedef {object} NacosOptions
 * @property {boolean} [auth] Whether clients must log in, as user `nacos` with the password `nacos`. Default: false.
 */

const host = '127.0.0.1';

/**
 * Starts Nacos standalone, with an empty naming service.
 *
 * @param {NacosOptions} [options]
 * @returns {Promise<NacosServer>}
 */
export async function startNacos({ auth = false } = {}) {
  const java = requireProgram('nacos', 'java');
  const jar = requireProgram('nacos', 'nacos-server.jar');

  const { ports, ...control } = await startServer({
    name: 'nacos',
    portCount: 1,
    portOffsets: [1000, 1001, -1000],
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (dir, [port]) => ({
      program: java,
      args: [
        '-Xms128m',
        '-Xmx384m',
        ...javaOptions(dir),
        '-Dnacos.standalone=true',
        `-Dnacos.home=${dir}`,
        `-Dnacos.core.auth.enabled=${auth}`,
        `-Dnacos.inetutils.ip-address=${host}`,
        `-Dserver.address=${host}`,
        // the login to its own database takes longer than its 3 s on a busy machine
        '-Ddb.pool.config.connectionTimeout=60000',
        `-Dserver.port=${port}`, // only a system property also moves the derived ports
        '-jar',
        jar,
      ],
    }),
    isReady: async ([port]) => {
      const response = await tryGet(`${baseUrl(port)}/v1/ns/instance/list?serviceName=x`);
      return response?.status === (auth ? 403 : 200);
    },
  });

  const port = Number(ports[0]);
  return { host, port, url: baseUrl(port), ...control };
}

/** @param {number | undefined} port */
function baseUrl(port) {
  return `http://${host}:${port}/nacos`;
}
