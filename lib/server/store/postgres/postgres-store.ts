import { DtmConfigError, DtmStoreError, errorText } from '../../../protocol/internal.js';
import { parseSqlName } from '../../../support/sql-name.js';
import type { Store } from '../store.js';
import { resolveConnection, type Connection, type ConnectionOptions } from '../sql/connection-options.js';
import type { OpenPool } from '../sql/pooled-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import { SqlStore } from '../sql/sql-store.js';
import { PgConnections } from './pg-connections.js';
import { SHARED_SESSION_SETTINGS, openPool, sessionSettings, type PgStorePool } from './pg-pool.js';
import { PostgresDatabase } from './postgres-database.js';
import { migratePostgresTables } from './postgres-layout.js';

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends ConnectionOptions {
  /** A `Pool` of node-postgres that the store uses and does not close. @default the store opens a pool */
  readonly pool?: PgStorePool | undefined;
  /** Schema of the tables; created when it does not exist and the user has the privilege. @default 'public' */
  readonly schema?: string | undefined;
  /** Creates missing tables, and extends tables that Go dtm created, when the store is opened. @default true */
  readonly migrate?: boolean | undefined;
}

/**
 * A store in PostgreSQL, for any number of coordinators, on the tables of Go dtm: either coordinator
 * can finish what the other began.
 *
 * @param options - see {@link PostgresStoreOptions}
 * @throws DtmConfigError when an option is invalid; from `open()` when node-postgres is not installed
 *
 * @example
 * embeddedServer({ store: postgresStore({ url: process.env.DTM_DATABASE_URL }) });
 */
export function postgresStore(options: PostgresStoreOptions = {}): Store {
  const { pool, migrate = true } = options;
  const schema = parseSqlName('postgresStore: schema', options.schema ?? 'public');
  if (pool !== undefined && typeof (pool as Partial<PgStorePool> | null)?.connect !== 'function') {
    throw new DtmConfigError('postgresStore: pool must be a Pool of node-postgres');
  }
  const connection = withTls(resolveConnection('postgresStore', options, ['postgres:', 'postgresql:'], 5432));
  const { host, port, database, maxConnections, timeoutMs } = connection;
  const name = `postgres ${pool ? 'of the given pool' : `${host}:${port}/${database}`}, schema ${schema}`;
  const connect = async (): Promise<OpenPool<PgConnections>> => {
    if (pool) {
      const access = { pool, settings: SHARED_SESSION_SETTINGS, isOwn: false, timeoutMs };
      return { connections: new PgConnections(access), end: async () => undefined };
    }
    const own = await openPool(connection);
    const access = { pool: own, settings: sessionSettings(timeoutMs), isOwn: true, timeoutMs };
    return { connections: new PgConnections(access), end: () => own.end() };
  };
  const open = async (): Promise<OpenPool<PgConnections>> => {
    const opened = await connect();
    try {
      if (!pool && migrate) await createDatabaseIfMissing(opened.connections, connection);
      await migratePostgresTables(name, opened.connections, schema, migrate);
      return opened;
    } catch (error) {
      await opened.end();
      throw error;
    }
  };
  return new SqlStore(new PostgresDatabase({ name, maxConnections, open }, schema));
}

/** Applies `sslmode` of the URL as node-postgres does: encrypted connections also verify the certificate. */
function withTls({ parameters, ...connection }: Connection): Connection {
  const { sslmode, ...unknown } = parameters;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new DtmConfigError(`postgresStore: the parameter ${name} of url is unknown; remove it`);
  if (sslmode === undefined || connection.ssl !== undefined) return { ...connection, parameters };
  const modes: Readonly<Record<string, boolean | object>> = {
    disable: false,
    require: true,
    'verify-ca': true,
    'verify-full': true,
    'no-verify': { rejectUnauthorized: false },
  };
  const ssl = modes[sslmode];
  if (ssl === undefined) {
    throw new DtmConfigError(`postgresStore: sslmode must be one of ${Object.keys(modes).join(', ')}`);
  }
  return { ...connection, parameters, ssl };
}

const NO_DATABASE = '3D000';

async function createDatabaseIfMissing(connections: PgConnections, connection: Connection): Promise<void> {
  const missing = await connections.query('select 1').then(
    () => undefined,
    (error: unknown) => {
      if (sqlStateOf(error) === NO_DATABASE) return error;
      throw error;
    },
  );
  if (!missing) return;
  const { database, host, port } = connection;
  const statement = `create database "${database}"`;
  const pool = await openPool({ ...connection, maxConnections: 1 }, 'postgres');
  const session = new PgConnections({ pool, isOwn: false, timeoutMs: connection.timeoutMs });
  try {
    // held until the pool ends: concurrent `create database` statements fail
    await session.query('select pg_advisory_lock(hashtextextended(?, 0))', ['nestjs-dtm store']);
    const [found] = await session.query('select 1 from pg_database where datname = ?', [database]);
    if (!found) await session.execute(statement);
  } catch (cause) {
    const reason = errorText(cause);
    throw new DtmStoreError(
      `postgres ${host}:${port} has no database ${database}, and this user cannot create it (${reason}); run there: ${statement}`,
      { cause },
    );
  } finally {
    await pool.end();
  }
}

function sqlStateOf(error: unknown): unknown {
  return error instanceof SqlFailure ? (error.cause as { code?: unknown } | undefined)?.code : undefined;
}
