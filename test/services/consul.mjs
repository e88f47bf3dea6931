// @ts-check
import { tryGet } from './http.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Consul.
 *
 * @typedef {object} ConsulInfo
 * @property {string} host
 * @property {number} port Port of the HTTP API.
 * @property {string} url
 */

/** @typedef {ConsulInfo & ServerControl} ConsulServer */

/**
 * Options of {@link startConsul}.
 *
 * @typedef {object} ConsulOptions
 * @property {string} [token] Secret of a token with all rights; requests without it have none. Default: no access control.
 */

const host = '127.0.0.1';

/**
 * Starts a Consul agent in development mode, which is server and client. It stores nothing on disk: `restart` loses all
 * registrations.
 *
 * @param {ConsulOptions} [options]
 * @returns {Promise<ConsulServer>}
 */
export async function startConsul({ token } = {}) {
  const consul = requireProgram('consul', 'consul');
  const acl = {
    enabled: true,
    default_policy: 'deny',
    tokens: { initial_management: token, agent: token },
  };

  const { ports, ...control } = await startServer({
    name: 'consul',
    portCount: 3,
    stopSignal: 'SIGTERM', // SIGINT would leave the cluster first
    prepare: () => [
      {
        program: 'tee',
        args: ['consul.json'],
        input: JSON.stringify({
          disable_update_check: true,
          ...(token === undefined ? {} : { acl }),
        }),
      },
    ],
    command: (_, [http, serf, server]) => ({
      program: consul,
      args: [
        'agent',
        '-dev',
        '-config-file=consul.json',
        '-node=dtm',
        `-bind=${host}`,
        `-client=${host}`,
        `-http-port=${http}`,
        `-serf-lan-port=${serf}`,
        `-server-port=${server}`,
        '-serf-wan-port=-1',
        '-dns-port=-1',
        '-grpc-port=-1',
      ],
    }),
    // Consul lists services only after it lists itself as healthy, some time after its election.
    isReady: async ([http]) => {
      const response = await tryGet(
        `http://${host}:${http}/v1/health/service/consul?passing`,
        token === undefined ? {} : { 'X-Consul-Token': token },
      );
      return response?.status === 200 && (await response.text()).includes('"ServiceName"');
    },
  });

  const port = Number(ports[0]);
  return { host, port, url: `http://${host}:${port}`, ...control };
}
