// @ts-check
import { isOpen } from './is-open.mjs';
import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * A running Polaris.
 *
 * @typedef {object} PolarisInfo
 * @property {string} host
 * @property {number} httpPort Port of the console API, such as `/naming/v1/instances`, and of the client API.
 * @property {number} grpcPort
 * @property {string} url Base URL of the HTTP API.
 */

/** @typedef {PolarisInfo & ServerControl} PolarisServer */

const host = '127.0.0.1';

/**
 * Starts a single Polaris node without access control. The first instance creates its service and namespace.
 *
 * @returns {Promise<PolarisServer>}
 */
export async function startPolaris() {
  const polaris = requireProgram('polaris', 'polaris');

  const { ports, ...control } = await startServer({
    name: 'polaris',
    portCount: 2,
    stopSignal: 'SIGKILL', // for other signals Polaris sleeps 5 s; its store survives SIGKILL
    prepare: () => [],
    command: (_, [http, grpc]) => ({
      program: 'sh',
      args: ['-c', 'cat > polaris.yaml && exec "$0" start -c polaris.yaml', polaris],
      input: JSON.stringify(settings(http, grpc)), // JSON is valid YAML
    }),
    // the message may come before the listeners
    isReady: async (given, log) =>
      log.includes('finish starting server') && (await Promise.all(given.map(isOpen))).every(Boolean),
  });

  const [httpPort, grpcPort] = /** @type {[number, number]} */ (ports);
  return { host, httpPort, grpcPort, url: `http://${host}:${httpPort}`, ...control };
}

const batch = { open: true, queueSize: 1024, waitTime: '32ms', maxBatchCount: 32, concurrency: 8 };
const clientApi = { enable: true, include: ['discover', 'register', 'healthcheck'] };

/**
 * Polaris has no defaults: a missing section switches a feature off, or prevents the start.
 *
 * @param {number | undefined} http
 * @param {number | undefined} grpc
 */
function settings(http, grpc) {
  return {
    bootstrap: {
      logger: {
        default: {
          outputPaths: ['stdout'],
          errorOutputPaths: ['stderr'],
          outputLevel: 'warn',
        },
      },
      startInOrder: { open: true, key: 'sz' },
      polaris_service: {
        enable_register: true,
        isolated: false,
        services: [{ name: 'polaris.checker', protocols: ['service-grpc'] }],
      },
    },
    apiservers: [
      {
        name: 'api-http',
        option: { listenIP: host, listenPort: http },
        api: {
          admin: { enable: true },
          console: { enable: true, include: ['default', 'service', 'config'] },
          client: clientApi,
        },
      },
      { name: 'service-grpc', option: { listenIP: host, listenPort: grpc }, api: { client: clientApi } },
    ],
    auth: {
      user: { name: 'defaultUser', option: { salt: 'polarismesh@2021' } },
      strategy: { name: 'defaultStrategy', option: { consoleOpen: false, clientOpen: false } },
    },
    namespace: { autoCreate: true },
    naming: {
      autoCreate: true,
      batch: { register: { ...batch, dropExpireTask: true, taskLife: '30s' }, deregister: batch },
    },
    healthcheck: {
      open: true,
      service: 'polaris.checker',
      slotNum: 30,
      minCheckInterval: '1s',
      maxCheckInterval: '30s',
      clientReportInterval: '120s',
      batch: { heartbeat: batch },
      checkers: [{ name: 'heartbeatMemory' }],
    },
    config: { open: true },
    cache: { diffTime: '5s' },
    maintain: { jobs: [] },
    store: { name: 'boltdbStore', option: { path: './polaris.bolt' } },
    plugin: {
      crypto: { entries: [{ name: 'AES' }] },
      history: { entries: [{ name: 'HistoryLogger' }] },
      discoverEvent: { entries: [{ name: 'discoverEventLocal' }] },
    },
  };
}
