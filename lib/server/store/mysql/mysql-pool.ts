import { importPackage } from '../../../support/load-package.js';
import type { Connection } from '../sql/connection-options.js';

/**
 * The parts of mysql2 that the store uses, as structural types: the store works without the types of mysql2.
 */

/** A pool of connections: `createPool()` of `mysql2/promise`. */
export interface MysqlStorePool {
  /** Takes a connection from the pool. */
  getConnection(): Promise<MysqlStoreConnection>;
}

/** A pool with callbacks: `createPool()` of `mysql2`. */
export interface MysqlCallbackPool {
  /** The same pool with promises. */
  promise(): MysqlStorePool;
}

/** A connection of a pool. */
export interface MysqlStoreConnection {
  /** Runs a statement without preparing it. */
  query(statement: MysqlStatement): Promise<[unknown, unknown]>;
  /** Prepares a statement once for each text, and runs it. */
  execute(statement: MysqlStatement): Promise<[unknown, unknown]>;
  /** Returns the connection to the pool. */
  release(): void;
  /** Closes the connection. */
  destroy(): void;
  /** The underlying connection; the same object each time the pool hands it out. */
  readonly connection?: object;
}

/** A statement in the form of mysql2. */
export interface MysqlStatement {
  /** SQL with `?` for each value. */
  sql: string;
  /** Values of the placeholders. */
  values?: (string | number | boolean | Buffer | null)[];
  /** Time limit in milliseconds. */
  timeout?: number;
  /** Returns rows as objects. */
  rowsAsArray?: false;
}

/** A pool that the store opened and closes. */
export interface OwnPool extends MysqlStorePool {
  /** Closes all connections. */
  end(): Promise<void>;
}

/** Value of `sql_select_limit` without a limit; a smaller value cuts answers silently. */
export const MAX_SELECT_LIMIT = '18446744073709551615';

/** Longest wait for a row lock in seconds, so that a blocked write does not block other writes for long. */
const LOCK_TIMEOUT_SECONDS = 5;

/**
 * Settings of each session of the store's own pool, whatever the defaults of the server: no gap locks, no truncated values, no
 * long waits for locks, no lost branches. `transaction_read_only` stays: operators set it to stop writes.
 */
export const SESSION_SETTINGS: readonly string[] = [
  // a server can ignore the character set that the connection asks for
  'set names utf8mb4',
  'set session transaction isolation level read committed',
  `set session autocommit = 1, completion_type = 0, innodb_lock_wait_timeout = ${LOCK_TIMEOUT_SECONDS},
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', sql_select_limit = ${MAX_SELECT_LIMIT},
    sql_safe_updates = 0, sql_big_selects = 1, unique_checks = 1`,
];

/**
 * Opens a pool. Its connections select no database, because the store may have to create it.
 *
 * @throws DtmConfigError when mysql2 is not installed
 */
export async function openPool(connection: Connection): Promise<OwnPool> {
  const { default: mysql } = await importPackage(() => import('mysql2/promise'), 'mysql2', 'mysqlStore');
  const { host, port, user, password, ssl, maxConnections, timeoutMs } = connection;
  return mysql.createPool({
    host,
    port,
    user,
    ...(password === undefined ? {} : { password }),
    // mysql2 reads true as no certificate authority at all
    ...(ssl ? { ssl: ssl === true ? {} : ssl } : {}),
    connectionLimit: maxConnections,
    connectTimeout: timeoutMs,
    charset: 'utf8mb4',
    enableKeepAlive: true,
  }) as unknown as OwnPool;
}
