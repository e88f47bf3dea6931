// @ts-check
import { ask } from './http.mjs';
import { javaOptions } from './java.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Eureka.
 *
 * @typedef {object} EurekaFacts
 * @property {string} host
 * @property {number} port
 * @property {string} url Base address of its API, which clients call the service URL.
 */

/** @typedef {EurekaFacts & ServerControl} EurekaServer */

const host = '127.0.0.1';

/**
 * Starts the Eureka server of Spring Cloud Netflix, alone and without its self-preservation: an instance that no longer
 * sends heartbeats is gone when its lease ends. It keeps nothing on disk: after `restart` it knows nobody any more.
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
        '--eureka.server.use-read-only-response-cache=false', // it would be 30 s behind
        '--eureka.server.wait-time-in-ms-when-sync-empty=0',
      ],
    }),
    isReady: async ([port]) => (await ask(`${baseUrl(port)}/apps`))?.status === 200,
  });

  const port = Number(ports[0]);
  return { host, port, url: baseUrl(port), ...control };
}

/** @param {number | undefined} port */
function baseUrl(port) {
  return `http://${host}:${port}/eureka`;
}
