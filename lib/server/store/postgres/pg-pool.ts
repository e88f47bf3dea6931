import { importPackage } from '../../../support/load-package.js';
import type { Connection } from '../sql/connection-options.js';

/**
 * The parts of node-postgres that the store uses, described by their shape: its types are not needed.
 */

/** A pool of connections: `Pool` of node-postgres. */
export interface PgStorePool {
  /** Takes a connection out of the pool. */
  connect(): Promise<PgStoreClient>;
}

/** A connection out of a pool: `PoolClient` of node-postgres. */
export interface PgStoreClient {
  /** Runs one statement. */
  query(statement: PgStatement): Promise<{ rows: unknown[]; rowCount: number | null }>;
  /** Gives the connection back, or throws it away. */
  release(destroy?: boolean): void;
  /** Adds a listener. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Removes a listener. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

/** One statement, as node-postgres takes it. */
export interface PgStatement {
  /** With `$1`, `$2`, … */
  text: string;
  /** What stands there. */
  values?: unknown[];
  /** Prepared under this name. */
  name?: string;
  /** Longest time in milliseconds. */
  query_timeout?: number;
  /** How values are read. */
  types?: { getTypeParser: (oid: number) => (text: string) => unknown };
}

/** A pool that the store opened, and closes. */
export interface OwnPool extends PgStorePool {
  /** Closes all connections. */
  end(): Promise<void>;
}

/** A row lock that others hold longer than this is not waited for, so that it holds up no other writes. */
const LOCK_TIMEOUT = '5s';

/**
 * What each connection is set to. Every statement of ours has its index; a plan that was made when the tables were small
 * must not go on reading them from end to end. A commit is on the disk before it is answered.
 *
 * @param timeoutMs - longest time of a statement
 */
export function sessionSettings(timeoutMs: number): string {
  return [
    `set lock_timeout = '${LOCK_TIMEOUT}'`,
    `set statement_timeout = ${timeoutMs}`,
    `set idle_in_transaction_session_timeout = ${timeoutMs}`,
    `set default_transaction_isolation = 'read committed'`,
    'set enable_seqscan = off',
    'set enable_hashjoin = off',
    'set enable_mergejoin = off',
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  ].join('; ');
}

/**
 * Opens a pool.
 *
 * @param connection - where to
 * @param database - instead of that of the connection
 * @throws DtmConfigError when node-postgres is not installed
 */
export async function openPool(connection: Connection, database = connection.database): Promise<OwnPool> {
  const { default: pg } = await importPackage(() => import('pg'), 'pg', 'postgresStore');
  const { host, port, user, password, ssl, maxConnections, timeoutMs } = connection;
  const pool = new pg.Pool({
    host,
    port,
    user,
    password,
    database,
    ssl: ssl as boolean | undefined,
    max: maxConnections,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    application_name: 'nestjs-dtm',
  });
  // a connection that ends while nobody uses it is replaced by the pool
  pool.on('error', () => undefined);
  return pool;
}
