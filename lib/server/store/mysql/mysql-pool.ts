import { importPackage } from '../../../support/load-package.js';
import type { Connection } from '../sql/connection-options.js';

/**
 * The parts of mysql2 that the store uses, described by their shape: its types are not needed.
 */

/** A pool of connections: `createPool()` of `mysql2/promise`. */
export interface MysqlStorePool {
  /** Takes a connection out of the pool. */
  getConnection(): Promise<MysqlStoreConnection>;
}

/** A pool of mysql2 with callbacks: `createPool()` of `mysql2`. */
export interface MysqlCallbackPool {
  /** The same pool with promises. */
  promise(): MysqlStorePool;
}

/** A connection out of a pool. */
export interface MysqlStoreConnection {
  /** Runs a statement as it is. */
  query(statement: MysqlStatement): Promise<[unknown, unknown]>;
  /** Prepares a statement, once for each text, and runs it. */
  execute(statement: MysqlStatement): Promise<[unknown, unknown]>;
  /** Gives the connection back. */
  release(): void;
  /** Throws it away. */
  destroy(): void;
  /** The connection underneath; the same each time that it comes out of the pool. */
  readonly connection?: object;
}

/** One statement, as mysql2 takes it. */
export interface MysqlStatement {
  /** With `?` for each value. */
  sql: string;
  /** What stands there. */
  values?: (string | number | boolean | Buffer | null)[];
  /** Longest time in milliseconds. */
  timeout?: number;
  /** Rows are objects. */
  rowsAsArray?: false;
}

/** A pool that the store opened, and closes. */
export interface OwnPool extends MysqlStorePool {
  /** Closes all connections. */
  end(): Promise<void>;
}

/** A row lock that others hold longer than this many seconds is not waited for, so that it holds up no other writes. */
const LOCK_TIMEOUT_SECONDS = 5;

/** What each connection is set to: no locks on rows that are not there, nothing cut to fit, no long waits. */
export const SESSION_SETTINGS: readonly string[] = [
  'set session transaction isolation level read committed',
  `set session sql_mode = concat_ws(',', nullif(@@sql_mode, ''), 'STRICT_ALL_TABLES')`,
  `set session innodb_lock_wait_timeout = ${LOCK_TIMEOUT_SECONDS}`,
];

/**
 * Opens a pool; its connections choose no database, for it may have to be made.
 *
 * @param connection - where to
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
