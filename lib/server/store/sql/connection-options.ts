import { DtmConfigError } from '../../../protocol/internal.js';
import { checkSqlName } from '../../../support/sql-name.js';

/** Where a database is, and how it is reached. */
export interface ConnectionOptions {
  /** Everything in one, e.g. `postgres://user:password@host:5432/dtm`, `mysql://user:password@host:3306/dtm`. @default from the other options */
  readonly url?: string | undefined;
  /** Host. @default 'localhost' */
  readonly host?: string | undefined;
  /** Port. @default 5432, 3306 */
  readonly port?: number | undefined;
  /** User. @default 'dtm' */
  readonly user?: string | undefined;
  /** Password. @default none */
  readonly password?: string | undefined;
  /** Database; made when it does not exist and the user may. @default 'dtm' */
  readonly database?: string | undefined;
  /** TLS: true, or the driver's options for it. @default false */
  readonly ssl?: boolean | object | undefined;
  /** Most connections. @default 10 */
  readonly maxConnections?: number | undefined;
  /** Longest time for one statement, and for connecting. @default 30 */
  readonly timeoutSeconds?: number | undefined;
}

/** {@link ConnectionOptions} with everything filled in. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: boolean | object | undefined;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  /** Parameters of the URL. */
  readonly parameters: Readonly<Record<string, string>>;
}

const URL_PARTS = ['host', 'port', 'user', 'password', 'database'] as const;

/** What a pool knows itself. */
const NOT_WITH_POOL = ['url', 'host', 'port', 'user', 'password', 'ssl'] as const;

/**
 * Checks the options and fills in defaults.
 *
 * @param factory - function that they were given to, for messages
 * @param options - what the user set
 * @param schemes - of the URL
 * @param defaultPort - of the database
 * @throws DtmConfigError naming the option; never with a secret
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
  const given = URL_PARTS.filter((part) => options[part] !== undefined);
  if (url !== undefined && given.length > 0) fail(`give url or ${given.join(', ')}, not both`);
  const useless = options.pool === undefined ? [] : NOT_WITH_POOL.filter((name) => options[name] !== undefined);
  if (useless.length > 0) fail(`give pool or ${useless.join(', ')}, not both`);
  const parts = url === undefined ? { ...options, parameters: {} } : parseUrl(url, schemes, fail);
  const { host = 'localhost', port = defaultPort, user = 'dtm', password, database = 'dtm', parameters } = parts;
  const { maxConnections = 10, timeoutSeconds = 30 } = options;
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) fail(`port must be from 1 to 65535, not ${String(port)}`);
  checkSqlName(`${factory}: database`, database);
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
  // its error would show the password
  if (!URL.canParse(url)) return fail(`url is none; write ${schemes[0]}//user:password@host:port/database`);
  const parsed = new URL(url);
  const text = (part: string): string | undefined => {
    try {
      return part === '' ? undefined : decodeURIComponent(part);
    } catch {
      return fail('url has a % that begins no escape; write it as %25');
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
