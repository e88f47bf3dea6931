import { DtmConfigError } from '../../../protocol/internal.js';
import { parseSqlName } from '../../../support/sql-name.js';

/** How to connect to a database. */
export interface ConnectionOptions {
  /**
   * Connection URL, e.g. `postgres://user:password@host:5432/dtm` or `mysql://user:password@host:3306/dtm`; use it instead of
   * the options for its parts.
   *
   * @default built from the other options
   */
  readonly url?: string | undefined;
  /** Host. @default 'localhost' */
  readonly host?: string | undefined;
  /** Port. @default 5432 for PostgreSQL, 3306 for MySQL and MariaDB */
  readonly port?: number | undefined;
  /** User. @default 'dtm' */
  readonly user?: string | undefined;
  /** Password. @default none */
  readonly password?: string | undefined;
  /** Database; created when it does not exist and the user has the privilege. @default 'dtm' */
  readonly database?: string | undefined;
  /** TLS: true, or the TLS options of the database driver. @default false */
  readonly ssl?: boolean | object | undefined;
  /** Maximum number of connections at a time. @default 10 */
  readonly maxConnections?: number | undefined;
  /** Time limit for one statement and for connecting, in seconds. @default 30 */
  readonly timeoutSeconds?: number | undefined;
}

/** {@link ConnectionOptions} with all defaults. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: boolean | object | undefined;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  /** Query parameters of the URL. */
  readonly parameters: Readonly<Record<string, string>>;
}

const URL_PARTS = ['host', 'port', 'user', 'password', 'database'] as const;

/** Options that a pool makes useless. */
const NOT_WITH_POOL = ['url', 'host', 'port', 'user', 'password', 'ssl'] as const;

/**
 * Checks the options and adds defaults.
 *
 * @param factory - function that received the options, for messages
 * @param schemes - allowed schemes of the URL
 * @param defaultPort - port of the database
 * @throws DtmConfigError that names the option, without secrets
 */
export function resolveConnection(
  factory: string,
  options: ConnectionOptions & { readonly pool?: unknown },
  schemes: readonly string[],
  defaultPort: number,
): Connection {
  const { url, ssl } = options;
  const fail = (what: string): never => {
    throw new DtmConfigError(`${factory}: ${what}`);
  };
  const parts = URL_PARTS.filter((part) => options[part] !== undefined);
  if (url !== undefined && parts.length > 0) fail(`set url or ${parts.join(', ')}, not both`);
  const useless = options.pool === undefined ? [] : NOT_WITH_POOL.filter((name) => options[name] !== undefined);
  if (useless.length > 0) fail(`set pool or ${useless.join(', ')}, not both`);
  const access = url === undefined ? { ...options, parameters: {} } : parseUrl(url, schemes, fail);
  const { host = 'localhost', port = defaultPort, user = 'dtm', password, database = 'dtm', parameters } = access;
  const { maxConnections = 10, timeoutSeconds = 30 } = options;
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) fail(`port must be from 1 to 65535, not ${String(port)}`);
  parseSqlName(`${factory}: database`, database);
  if (!(Number.isInteger(maxConnections) && maxConnections > 0)) {
    fail(`maxConnections must be a whole number above 0, not ${String(maxConnections)}`);
  }
  if (!(timeoutSeconds > 0 && timeoutSeconds < 86_400)) {
    fail(`timeoutSeconds must be above 0 and below a day, not ${String(timeoutSeconds)}`);
  }
  return {
    host,
    port,
    user,
    password,
    database,
    ssl,
    parameters,
    maxConnections,
    timeoutMs: Math.round(timeoutSeconds * 1000),
  };
}

function parseUrl(url: string, schemes: readonly string[], fail: (what: string) => never) {
  // the message must not contain the URL: it may hold a password
  if (!URL.canParse(url))
    return fail(`url is not a valid URL; expected ${schemes[0]}//user:password@host:port/database`);
  const parsed = new URL(url);
  const text = (part: string): string | undefined => {
    try {
      return part === '' ? undefined : decodeURIComponent(part);
    } catch {
      return fail('url contains an invalid escape; write % as %25');
    }
  };
  if (!schemes.includes(parsed.protocol)) return fail(`url must begin with ${schemes[0]}//, not ${parsed.protocol}//`);
  return {
    host: text(parsed.hostname.replace(/^\[|\]$/g, '')),
    port: parsed.port === '' ? undefined : Number(parsed.port),
    user: text(parsed.username),
    password: text(parsed.password),
    database: text(parsed.pathname.slice(1)),
    parameters: Object.fromEntries(parsed.searchParams),
  };
}
