import { httpServer } from '../client/index.js';
import { DtmConfigError, type DtmServer } from '../protocol/index.js';

/** Options of {@link DtmModule}. */
export interface DtmModuleOptions {
  /**
   * The coordinator: the URL of a dtm, e.g. `http://dtm:36789` (its path `/api/dtmsvr` is added when there is none), or an
   * object such as `embeddedServer()`, which the module opens and closes with the application.
   */
  readonly server: string | DtmServer;
  /** How addresses of services are found; `default` takes URLs as they are. @default 'default' */
  readonly driver?: DtmDriverName | undefined;
  /** Where the coordinator reaches this application. */
  readonly endpoint?: DtmEndpointOptions | undefined;
}

/** Name of a driver that this version has. */
export type DtmDriverName = 'default';

/** Where the coordinator reaches this application. */
export interface DtmEndpointOptions {
  /**
   * Base URL in front of the application's own paths, e.g. `https://bank.example/api-gateway`.
   *
   * @default `http://127.0.0.1:<port>` while the coordinator is embedded or on this machine; otherwise `branchOf` needs it
   */
  readonly http?: string | undefined;
}

/** {@link DtmModuleOptions}, checked and with the server as an object. Injected by this class. */
export abstract class DtmSettings {
  /** The coordinator. */
  abstract readonly server: DtmServer;
  /** Base URL without a slash at its end; undefined when it is to be derived. */
  abstract readonly endpointHttp: string | undefined;
}

const OPTION_NAMES = ['server', 'driver', 'endpoint'];

const SERVER_METHODS = [
  'newGid',
  'prepare',
  'submit',
  'abort',
  'registerBranch',
  'query',
  'all',
  'forceStop',
  'version',
  'open',
  'recover',
  'close',
] as const;

/**
 * Checks the options of {@link DtmModule} and fills in what was left out.
 *
 * @param raw - as the user gave them
 * @throws DtmConfigError naming the option, its value and what is allowed
 */
export function resolveDtmOptions(raw: DtmModuleOptions): DtmSettings {
  const options = objectOf(
    'options',
    raw,
    OPTION_NAMES,
    'give at least { server: … } to forRoot, or return it from the factory',
  );
  const { driver = 'default', endpoint = {} } = options;
  if (driver !== 'default') {
    throw new DtmConfigError(
      `DtmModule: driver ${show(driver)} does not exist in this version; the only one is 'default'`,
    );
  }
  const { http } = objectOf('endpoint', endpoint, ['http'], 'give { http: <base URL> }');
  return {
    server: serverOf(options['server']),
    endpointHttp: http === undefined ? undefined : checkBaseUrl('DtmModule: endpoint.http', http),
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

function serverOf(server: unknown): DtmServer {
  if (typeof server === 'string') return httpServer(server);
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
  return server as DtmServer;
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
