import {
  jsonPayloads,
  protoPayloads,
  dtmClient,
  type PackageDefinition,
  type PayloadCodec,
  type ProtoFilesOptions,
} from '../../client/index.js';
import {
  branchUrlOf,
  prepareService,
  resolveDriver,
  type DtmDriver,
  type PreparedService,
} from '../../driver/internal.js';
import { DtmConfigError, errorText, isHttpUrl, type DtmConnection } from '../../protocol/internal.js';
import { DatabaseRegistry, type DtmDatabaseOptions } from './database-registry.js';

/** Options of `DtmModule`. */
export interface DtmModuleOptions {
  /**
   * The coordinator: where a dtm is reached, over HTTP `http://dtm:36789` (its path `/api/dtmsvr` is added when there is
   * none), JSON-RPC `http://dtm:36789/api/json-rpc` or gRPC `dtm:36790`, also by a URL of the driver; or an object such as
   * `embeddedServer()`, which the module opens and closes with the application.
   */
  readonly server: string | DtmConnection;
  /**
   * How addresses of gRPC services are found: the name of a driver, or a {@link DtmDriver}; `default` takes them as they are.
   *
   * @default 'default'
   */
  readonly driver?: string | DtmDriver | undefined;
  /** Where the coordinator reaches this application. @default the defaults of its options */
  readonly endpoint?: DtmEndpointOptions | undefined;
  /**
   * Enters this application into the registry of the driver once it listens, and takes it out before it stops.
   *
   * @default it is not entered
   */
  readonly register?: DtmRegisterOptions | undefined;
  /**
   * The application's databases by names of your choice. Messages need the barrier of the one in which their local
   * transaction runs: the module answers the coordinator from it. XA branches need the XA of theirs.
   *
   * @default none
   */
  readonly databases?: Readonly<Record<string, DtmDatabaseOptions>> | undefined;
  /**
   * The .proto files of branches over gRPC: plain objects are encoded with them, and answers decoded.
   *
   * @default none: such branches take bytes, messages that encode themselves, or JSON where they have no .proto
   */
  readonly protos?: ProtoFilesOptions | PackageDefinition | undefined;
}

/** How this application stands in the registry of the driver. */
export interface DtmRegisterOptions {
  /** Which registry, and under which name; its form is the driver's, e.g. `etcd://etcd:2379/bank`. */
  readonly target: string;
  /** Where the application is reached; its form is the driver's, e.g. `bank-7:50051`. */
  readonly endpoint: string;
}

/** Where the coordinator reaches this application. */
export interface DtmEndpointOptions {
  /**
   * Base URL in front of the application's own paths, e.g. `https://bank.example/api-gateway`, or with a driver that finds
   * HTTP services by name `nacos://bank`.
   *
   * @default `http://127.0.0.1:<port>` while the coordinator is embedded or on this machine; otherwise `branchOf` needs it
   */
  readonly http?: string | undefined;
  /**
   * Where gRPC finds this application: `bank:50051`, or what the driver understands, e.g. `etcd://etcd:2379/bank`.
   *
   * @default `branchOf` knows no branches over gRPC
   */
  readonly grpc?: string | undefined;
}

/** {@link DtmModuleOptions}, checked and with the server as an object. Injected by this class. */
export abstract class DtmSettings {
  /** The coordinator. */
  abstract readonly server: DtmConnection;
  /** Base URL without a slash at its end; undefined when it is to be derived. */
  abstract readonly endpointHttp: string | undefined;
  /** Address for gRPC without a slash at its end. */
  abstract readonly endpointGrpc: string | undefined;
  /** Finds services. */
  abstract readonly driver: DtmDriver;
  /** How the application stands in the driver's registry; undefined when it is not entered. */
  abstract readonly register: (DtmRegisterOptions & { readonly service: PreparedService }) | undefined;
  /** The application's databases. */
  abstract readonly databases: DatabaseRegistry;
  /** Encodes payloads. */
  abstract readonly payloads: PayloadCodec;
}

const OPTION_NAMES = ['server', 'driver', 'endpoint', 'register', 'databases', 'protos'];

const DATABASE_NAMES = ['barrier', 'xa'];

const SERVER_METHODS = [
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
] as const;

/**
 * Checks the options of `DtmModule` and fills in what was left out.
 *
 * @param raw - as the user gave them
 * @throws DtmConfigError naming the option, its value and what is allowed
 */
export function parseDtmOptions(raw: DtmModuleOptions): DtmSettings {
  const options = objectOf(
    'options',
    raw,
    OPTION_NAMES,
    'give at least { server: … } to forRoot, or return it from the factory',
  );
  const { driver, endpoint = {} } = options;
  const { http, grpc } = objectOf(
    'endpoint',
    endpoint,
    ['http', 'grpc'],
    'give { http: <base URL>, grpc: <host:port> }',
  );
  const found = driverOf(driver);
  const register = registerOf(options['register'], found);
  return {
    server: coordinatorOf(options['server'], found),
    driver: found,
    register,
    databases: databasesOf(options['databases'] ?? {}),
    payloads: payloadsOf(options['protos']),
    endpointHttp: http === undefined ? undefined : checkHttpEndpoint(http, found),
    endpointGrpc: grpc === undefined ? undefined : checkGrpcEndpoint(grpc, found),
  };
}

/**
 * Checks a URL that paths are going to be appended to.
 *
 * @param what - names the option in the message
 * @param value - as the user gave it
 * @returns the URL without a slash at its end
 * @throws DtmConfigError when it is not an http or https URL, or has a query, a fragment or credentials
 */
export function checkBaseUrl(what: string, value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new DtmConfigError(
      `${what} ${show(value)} is not an http or https URL; expected something like http://bank:3000`,
    );
  }
  if (url.search || url.hash || url.username || url.password) {
    throw new DtmConfigError(
      `${what} ${show(value)} must have no query, fragment or credentials: paths are appended to it`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

/**
 * Checks an address that `/pkg.Service/Method` is going to be appended to.
 *
 * @param what - names the option in the message
 * @param value - as the user gave it
 * @throws DtmConfigError when it is none
 */
export function checkGrpcServer(what: string, value: unknown): string {
  const isPlain = typeof value === 'string' && /^(?:\[[\da-f:.]+\]|[^/:@?#[\]\s]+):\d{1,5}$/i.test(value);
  const isOfDriver =
    typeof value === 'string' && /^[a-z][a-z\d+.-]*:\/\/[!-~]*[^/\s]$/i.test(value) && !isHttpUrl(value);
  if (isPlain || isOfDriver) return value as string;
  throw new DtmConfigError(
    `${what} ${show(value)} is not an address of gRPC; expected something like bank:50051, or what the driver understands`,
  );
}

function checkHttpEndpoint(http: unknown, driver: DtmDriver): string {
  const isNamed = typeof http === 'string' && driver.http?.isNamed(http, 'branch');
  return isNamed
    ? checkBranchUrls('endpoint.http', driver, http, '/path')
    : checkBaseUrl('DtmModule: endpoint.http', http);
}

function checkGrpcEndpoint(grpc: unknown, driver: DtmDriver): string {
  const server = checkGrpcServer('DtmModule: endpoint.grpc', grpc);
  return checkBranchUrls('endpoint.grpc', driver, server, '/pkg.Service/Method');
}

/** What makes no URL of a branch now would make none later. */
function checkBranchUrls(what: string, driver: DtmDriver, server: string, method: string): string {
  try {
    branchUrlOf(driver, server, method);
    return server;
  } catch (cause) {
    const reason = errorText(cause);
    throw new DtmConfigError(`DtmModule: ${what} cannot be the beginning of a branch's URL: ${reason}`, { cause });
  }
}

function registerOf(register: unknown, driver: DtmDriver): DtmSettings['register'] {
  if (register === undefined) return undefined;
  const remedy = 'give { target: <registry and name>, endpoint: <where this application is reached> }';
  const { target, endpoint } = objectOf('register', register, ['target', 'endpoint'], remedy);
  if (typeof target !== 'string' || typeof endpoint !== 'string') {
    throw new DtmConfigError(`DtmModule: register needs two strings, target and endpoint; ${remedy}`);
  }
  return { target, endpoint, service: prepareService(driver, target, endpoint) };
}

function driverOf(driver: unknown): DtmDriver {
  if (driver === undefined || typeof driver === 'string') return resolveDriver(driver);
  if (typeof driver === 'object' && driver !== null && 'parseServerMethod' in driver) return driver as DtmDriver;
  throw new DtmConfigError(`DtmModule: driver ${show(driver)} is none; give the name of a driver, or a DtmDriver`);
}

function payloadsOf(protos: unknown): PayloadCodec {
  if (protos === undefined) return jsonPayloads;
  if (typeof protos === 'object' && protos !== null) return protoPayloads(protos as ProtoFilesOptions);
  throw new DtmConfigError(`DtmModule: protos is ${show(protos)}; give { protoPath: 'bank.proto' }`);
}

function databasesOf(databases: unknown): DatabaseRegistry {
  if (typeof databases !== 'object' || databases === null || Array.isArray(databases)) {
    throw new DtmConfigError(
      `DtmModule: databases must be an object, not ${show(databases)}; give { default: { barrier: … } }`,
    );
  }
  for (const [name, database] of Object.entries(databases) as [string, unknown][]) {
    const what = `databases.${name}`;
    if (!/^[\w-]{1,64}$/.test(name)) {
      throw new DtmConfigError(`DtmModule: ${what}: the name travels in URLs; use letters, digits, _ and - only`);
    }
    const { barrier, xa } = objectOf(what, database, DATABASE_NAMES, 'give { barrier: typeOrmBarrier(dataSource) }');
    if (xa !== undefined && typeof (xa as { prepare?: unknown }).prepare !== 'function') {
      throw new DtmConfigError(`DtmModule: ${what}.xa is ${show(xa)}; give one such as pgXa(pool)`);
    }
    if (barrier !== undefined && typeof (barrier as { insert?: unknown }).insert !== 'function') {
      throw new DtmConfigError(
        `DtmModule: ${what}.barrier is ${show(barrier)}; give one such as typeOrmBarrier(dataSource)`,
      );
    }
  }
  return new DatabaseRegistry(databases as Record<string, DtmDatabaseOptions>);
}

function coordinatorOf(server: unknown, driver: DtmDriver): DtmConnection {
  if (typeof server === 'string') return dtmClient(server, { driver });
  if (typeof server !== 'object' || server === null) {
    throw new DtmConfigError(
      `DtmModule: server is ${show(server)}; give the URL of a dtm, or an object such as embeddedServer()`,
    );
  }
  const missing = SERVER_METHODS.filter((name) => typeof (server as Record<string, unknown>)[name] !== 'function');
  if (missing.length > 0) {
    throw new DtmConfigError(
      `DtmModule: server is an object without ${missing.join(', ')}; give the URL of a dtm, or an object such as embeddedServer()`,
    );
  }
  return server as DtmConnection;
}

function objectOf(what: string, value: unknown, names: readonly string[], remedy: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DtmConfigError(`DtmModule: ${what} must be an object, not ${show(value)}; ${remedy}`);
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new DtmConfigError(`DtmModule: ${what} has no ${show(unknown)}; known: ${names.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value);
}
