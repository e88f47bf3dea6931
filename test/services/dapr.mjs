// @ts-check
import { tryGet } from './http.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Dapr sidecar.
 *
 * @typedef {object} DaprInfo
 * @property {string} host
 * @property {number} httpPort
 * @property {number} grpcPort
 * @property {string} url Base URL of the HTTP API; a call is `POST /v1.0/invoke/<app id>/method/<path>`.
 */

/** @typedef {DaprInfo & ServerControl} DaprServer */

/**
 * Options of {@link startDapr}.
 *
 * @typedef {object} DaprOptions
 * @property {string} appId Name under which other sidecars find the application.
 * @property {number} [appPort] Port of the application, which must listen before the sidecar is ready. Default: no
 *   application; the sidecar can still call others.
 * @property {'http' | 'grpc'} [appProtocol] Protocol of the application. Default: http.
 * @property {{ host: string, port: number }} [consul] Registry of the sidecars, e.g. the result of `startConsul`. Default:
 *   mDNS, which reaches all sidecars on the machine, also those of other tests.
 */

const host = '127.0.0.1';

/**
 * Starts a Dapr sidecar for service invocation, without the other components of Dapr.
 *
 * @param {DaprOptions} options
 * @returns {Promise<DaprServer>}
 *
 * @example
 * const consul = await startConsul();
 * const dapr = await startDapr({ appId: 'bank', appPort: 3000, consul });
 */
export async function startDapr({ appId, appPort, appProtocol = 'http', consul }) {
  const daprd = requireProgram('dapr', 'daprd');

  const { ports, ...control } = await startServer({
    name: 'dapr',
    portCount: 3,
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (_, [http, grpc, internal]) => ({
      program: 'sh',
      args: [
        '-c',
        'cat > config.yaml && exec "$@"',
        'sh',
        daprd,
        '--config=config.yaml',
        `--app-id=${appId}`,
        `--app-protocol=${appProtocol}`,
        ...(appPort === undefined ? [] : [`--app-port=${appPort}`]),
        `--dapr-listen-addresses=${host}`,
        `--dapr-http-port=${http}`,
        `--dapr-grpc-port=${grpc}`,
        `--dapr-internal-grpc-port=${internal}`,
        '--dapr-graceful-shutdown-seconds=1',
        '--enable-metrics=false',
      ],
      env: { DAPR_HOST_IP: host }, // the address that the sidecar registers
      input: JSON.stringify({
        kind: 'Configuration',
        metadata: { name: 'config' },
        spec: consul ? { nameResolution: { component: 'consul', configuration: registration(consul, http) } } : {},
      }), // JSON is valid YAML
    }),
    isReady: async ([http]) => {
      if ((await tryGet(`${baseUrl(http)}/v1.0/healthz`))?.status !== 204) return false;
      if (!consul || appPort === undefined) return true;
      const known = await tryGet(`http://${consul.host}:${consul.port}/v1/health/service/${appId}?passing`);
      return known?.status === 200 && (await known.text()).includes('"DAPR_PORT"');
    },
  });

  const [httpPort, grpcPort] = /** @type {[number, number]} */ (ports);
  return { host, httpPort, grpcPort, url: baseUrl(httpPort), ...control };

  /**
   * @param {{ host: string, port: number }} registry
   * @param {number | undefined} http
   */
  function registration(registry, http) {
    return {
      client: { address: `${registry.host}:${registry.port}` },
      selfRegister: appPort !== undefined,
      selfDeregister: true,
      // the default check runs only every 15 s
      checks: [{ name: 'sidecar', checkID: `${appId}-${http}`, interval: '1s', http: `${baseUrl(http)}/v1.0/healthz` }],
    };
  }
}

/** @param {number | undefined} port */
function baseUrl(port) {
  return `http://${host}:${port}`;
}
