import { importPackage } from '../../../support/load-package.js';
import type { Connection } from '../sql/connection-options.js';

/**
 * The parts of node-postgres that the store uses, as structural types: the store works without the types of `pg`.
 */

/** A pool of connections: `Pool` of node-postgres. */
export interface PgStorePool {
  /** Takes a connection from the pool. */
  connect(): Promise<PgStoreClient>;
}

/** A connection of a pool: `PoolClient` of node-postgres. */
export interface PgStoreClient {
  /** Runs one statement. */
  query(statement: PgStatement): Promise<{ rows: unknown[]; rowCount: number | null }>;
  /** Returns the connection to the pool, or closes it. */
  release(destroy?: boolean): void;
  /** Adds a listener. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Removes a listener. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

/** A statement in the form of node-postgres. */
export interface PgStatement {
  /** SQL with `$1`, `$2`, … */
  text: string;
  /** Values of the placeholders. */
  values?: unknown[];
  /** Name of the prepared statement. */
  name?: string;
  /** Time limit in milliseconds. */
  query_timeout?: number;
  /** Decodes values. */
  types?: { getTypeParser: (oid: number) => (text: string) => unknown };
}

/** A pool that the store opened and closes. */
export interface OwnPool extends PgStorePool {
  /** Closes all connections. */
  end(): Promise<void>;
}

/** Longest wait for a row lock, so that a blocked write does not block other writes for long. */
const LOCK_TIMEOUT = '5s';

/**
 * SQL that configures a session of the store's own pool, whatever the defaults of server, database and role. Every statement
 * of the store has an index; a plan that was made while the tables were small must not keep scanning them. A commit is on
 * disk before it is answered. `default_transaction_read_only` stays: operators and hosts set it to stop writes.
 *
 * @param timeoutMs - time limit for a statement
 */
export function sessionSettings(timeoutMs: number): string {
  return [
    `set lock_timeout = '${LOCK_TIMEOUT}'`,
    `set statement_timeout = ${timeoutMs}`,
    `set idle_in_transaction_session_timeout = ${timeoutMs}`,
    `set default_transaction_isolation = 'read committed'`,
    'set default_transaction_deferrable = off',
    'set array_nulls = on',
    'set bytea_output = hex',
    'set datestyle = iso',
    `set timezone = 'UTC'`,
    'set standard_conforming_strings = on',
    'set enable_seqscan = off',
    'set enable_hashjoin = off',
    'set enable_mergejoin = off',
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
    // not in every version: they end connections of a pool, and long changes of the tables
    `select set_config(name, '0', false) from pg_settings where name in ('idle_session_timeout', 'transaction_timeout')`,
  ].join('; ');
}

/**
 * SQL that configures a session of the application's pool: without it, PostgreSQL reads the nulls in the arrays of the store
 * as texts. An array that the application passes can only gain from the default value.
 */
export const SHARED_SESSION_SETTINGS = `select set_config('array_nulls', 'on', false) where current_setting('array_nulls') = 'off'`;

/**
 * Opens a pool.
 *
 * @param connection - how to connect
 * @param database - instead of the database of the connection
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
  // the pool replaces an idle connection that ends
  pool.on('error', () => undefined);
  return pool;
}
