import {
  dtmClient,
  jsonPayloads,
  protoPayloads,
  type PayloadCodec,
  type ProtoFilesOptions,
} from '../../client/index.js';
import { prepareService, resolveDriver, type DtmDriver } from '../../driver/internal.js';
import { DtmConfigError, type DtmConnection } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import type { DtmModuleOptions } from './dtm.options.js';
import type { DtmSettings } from './dtm.settings.js';
import { parseGrpcEndpoint, parseHttpEndpoint } from './parse-addresses.js';
import { parseBranchHeaders } from './parse-branch-headers.js';
import { parseDatabases } from './parse-databases.js';
import { parseForwardHeaders } from './parse-forward-headers.js';
import { parseObject } from './parse-object.js';
import { parseRoute } from './parse-route.js';
import { parseShutdownTimeout } from './parse-shutdown-timeout.js';
import { withBranchHeaders } from './with-branch-headers.js';

const OPTION_NAMES = [
  'server',
  'driver',
  'endpoint',
  'register',
  'databases',
  'protos',
  'exposeErrorTextsToCallers',
  'shutdownTimeoutSeconds',
  'name',
  'branchHeaders',
  'forwardHeaders',
  'routeDecorators',
  'swagger',
  'allowUnguardedBranches',
];

const CONNECTION_METHODS = [
  'newGid',
  'prepare',
  'submit',
  'abort',
  'registerBranch',
  'query',
  'all',
  'forceStop',
  'retryNow',
  'subscribe',
  'unsubscribe',
  'deleteTopic',
  'version',
  'open',
  'recover',
  'close',
] as const satisfies readonly (keyof DtmConnection)[];

/**
 * Checks the options of `DtmModule` and fills in the defaults.
 *
 * @throws DtmConfigError naming the option, its value and what is allowed
 */
export function parseDtmOptions(raw: DtmModuleOptions): DtmSettings {
  const options = parseObject(
    'options',
    raw,
    OPTION_NAMES,
    'import DtmModule.forRoot({ server: … }), or return { server: … } from the factory of forRootAsync',
  );
  const { http, grpc, over } = parseObject(
    'endpoint',
    options['endpoint'] ?? {},
    ['http', 'grpc', 'over'],
    'give { http: <base URL>, grpc: <host:port> }',
  );
  const driver = parseDriver(options['driver']);
  const register = parseRegister(options['register'], driver);
  const server = parseServer(options['server'], driver);
  const branchHeaders = parseBranchHeaders(options['branchHeaders']);
  const forwardedHeaders = parseForwardHeaders(options['forwardHeaders'], branchHeaders);
  // an embedded coordinator adds them when it calls, so that its store has none of them
  const api = branchHeaders && !server.attach ? withBranchHeaders(server, branchHeaders) : server;
  return {
    server,
    api: forwardedHeaders ? withBranchHeaders(api, () => forwardedHeaders.current) : api,
    branchHeaders,
    forwardedHeaders,
    routeDecorators: parseRouteDecorators(options['routeDecorators']),
    swagger: parseFlag('swagger', options['swagger']),
    allowUnguardedBranches: parseFlag('allowUnguardedBranches', options['allowUnguardedBranches']),
    name: parseName(options['name']),
    over: parseRoute('DtmModule: endpoint.over', over, server),
    driver,
    register,
    databases: parseDatabases(options['databases'] ?? {}),
    payloads: parseProtos(options['protos']),
    exposeErrorTextsToCallers: parseFlag('exposeErrorTextsToCallers', options['exposeErrorTextsToCallers']),
    shutdownTimeoutSeconds: parseShutdownTimeout('DtmModule', options['shutdownTimeoutSeconds']),
    endpointHttp: http === undefined ? undefined : parseHttpEndpoint(http, driver),
    endpointGrpc: grpc === undefined ? undefined : parseGrpcEndpoint(grpc, driver),
  };
}

function parseName(name: unknown): string | undefined {
  if (name === undefined || (typeof name === 'string' && /^[a-z\d][a-z\d.-]{0,62}$/.test(name))) return name;
  throw new DtmConfigError(
    `DtmModule: name ${describeValue(name)} is not a name; use up to 63 lower-case letters, digits, - and ., such as bank`,
  );
}

function parseServer(server: unknown, driver: DtmDriver): DtmConnection {
  if (typeof server === 'string') return dtmClient(server, { driver });
  if (typeof server !== 'object' || server === null) {
    throw new DtmConfigError(
      `DtmModule: server is ${describeValue(server)}; give the URL of a dtm, or an object such as embeddedServer()`,
    );
  }
  const missing = CONNECTION_METHODS.filter((name) => typeof (server as Record<string, unknown>)[name] !== 'function');
  if (missing.length > 0) {
    throw new DtmConfigError(
      `DtmModule: server is an object without ${missing.join(', ')}; give the URL of a dtm, or an object such as embeddedServer()`,
    );
  }
  return server as DtmConnection;
}

function parseDriver(driver: unknown): DtmDriver {
  if (driver === undefined || typeof driver === 'string') return resolveDriver(driver);
  if (typeof driver === 'object' && driver !== null && 'parseServerMethod' in driver) return driver as DtmDriver;
  throw new DtmConfigError(
    `DtmModule: driver ${describeValue(driver)} is not a driver; give the name of a driver, or a DtmDriver`,
  );
}

function parseRegister(register: unknown, driver: DtmDriver): DtmSettings['register'] {
  if (register === undefined) return undefined;
  const remedy = 'give { target: <registry and name>, endpoint: <address of this application> }';
  const { target, endpoint } = parseObject('register', register, ['target', 'endpoint'], remedy);
  if (typeof target !== 'string' || typeof endpoint !== 'string') {
    throw new DtmConfigError(`DtmModule: register needs two strings, target and endpoint; ${remedy}`);
  }
  return { target, endpoint, service: prepareService(driver, target, endpoint) };
}

function parseProtos(protos: unknown): PayloadCodec {
  if (protos === undefined) return jsonPayloads;
  if (typeof protos === 'object' && protos !== null) return protoPayloads(protos as ProtoFilesOptions);
  throw new DtmConfigError(`DtmModule: protos is ${describeValue(protos)}; give { protoPath: 'bank.proto' }`);
}

function parseRouteDecorators(decorators: unknown): readonly MethodDecorator[] {
  if (decorators === undefined) return [];
  const list: readonly unknown[] | undefined = Array.isArray(decorators) ? decorators : undefined;
  if (list?.every((item) => typeof item === 'function')) return list as readonly MethodDecorator[];
  throw new DtmConfigError(
    `DtmModule: routeDecorators must be a list of decorators, not ${describeValue(decorators)}; give [Public()], for example`,
  );
}

function parseFlag(option: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new DtmConfigError(`DtmModule: ${option} is ${describeValue(value)}; give true or false`);
}
