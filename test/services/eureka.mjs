// @ts-check
import { tryGet } from './http.mjs';
import { javaOptions } from './java.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Eureka.
 *
 * @typedef {object} EurekaInfo
 * @property {string} host
 * @property {number} port
 * @property {string} url Base URL of the API; clients call it the service URL.
 */

/** @typedef {EurekaInfo & ServerControl} EurekaServer */

const host = '127.0.0.1';

/**
 * Starts a single Eureka server of Spring Cloud Netflix without self-preservation: an instance without heartbeats is
 * removed at the end of its lease. It stores nothing on disk: `restart` loses all registrations.
 *
 * @returns {Promise<EurekaServer>}
 */
export async function startEureka() {
  const java = requireProgram('eureka', 'java');
  const jar = requireProgram('eureka', 'eureka-server.jar');

  const { ports, ...control } = await startServer({
    name: 'eureka',
    portCount: 1,
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (dir, [port]) => ({
      program: java,
      args: [
        '-Xmx256m',
        ...javaOptions(dir),
        '-jar',
        jar,
        `--server.address=${host}`,
        `--server.port=${port}`,
        '--eureka.client.register-with-eureka=false',
        '--eureka.client.fetch-registry=false',
        '--eureka.server.enable-self-preservation=false',
        '--eureka.server.eviction-interval-timer-in-ms=1000',
        '--eureka.server.use-read-only-response-cache=false', // this cache would be 30 s stale
        '--eureka.server.wait-time-in-ms-when-sync-empty=0',
      ],
    }),
    isReady: async ([port]) => (await tryGet(`${baseUrl(port)}/apps`))?.status === 200,
  });

  const port = Number(ports[0]);
  return { host, port, url: baseUrl(port), ...control };
}

/** @param {number | undefined} port */
function baseUrl(port) {
  return `http://${host}:${port}/eureka`;
}
