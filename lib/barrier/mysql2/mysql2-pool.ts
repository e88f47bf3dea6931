/**
 * The parts of mysql2 that the barrier and XA use, as structural types: the types of mysql2 are not needed.
 */
import { DtmConfigError } from '../../protocol/internal.js';

/** A statement in the form of mysql2. */
export interface Mysql2Statement {
  /** SQL with a `?` for each value. */
  sql: string;
  /** One text for each `?`. */
  values?: string[];
  /** Rows are objects, whatever the options of the pool. */
  rowsAsArray?: false;
  /** Values have their usual types, whatever the options of the pool. */
  typeCast?: true;
}

/** A connection out of a pool: `PoolConnection` of `mysql2/promise`. */
export interface Mysql2Connection {
  /** Number of the connection on the server. */
  readonly threadId: number;
  /** Sends a statement as text. */
  query(statement: Mysql2Statement): Promise<[unknown, unknown]>;
  /** Prepares a statement, once for each text, and runs it. */
  execute(statement: Mysql2Statement): Promise<[unknown, unknown]>;
  /** Gives the connection back. */
  release(): void;
  /** Closes the connection. */
  destroy(): void;
}

/** A pool of connections: `createPool()` of `mysql2/promise`. */
export interface Mysql2Pool<Connection> {
  /** Takes a connection out of the pool. */
  getConnection(): Promise<Connection>;
  /** The callback pool inside, which has the options. */
  readonly pool?: object;
}

/** A row of an answer. */
export type Mysql2Row = Readonly<Record<string, unknown>>;

/**
 * Refuses everything but a pool of `mysql2/promise`.
 *
 * @param pool - what the user passed
 * @param user - function that needs the pool, for the message
 * @throws DtmConfigError
 */
export function assertPromisePool(pool: Mysql2Pool<unknown> | undefined, user: string): void {
  if (typeof pool?.getConnection === 'function' && typeof pool.pool === 'object') return;
  const isCallbackPool = typeof (pool as { readonly promise?: unknown } | undefined)?.promise === 'function';
  throw new DtmConfigError(
    isCallbackPool
      ? `${user} needs a pool with promises, not one with callbacks; pass pool.promise(), or use createPool() of mysql2/promise`
      : `${user} needs a pool of mysql2/promise; use createPool() of mysql2/promise`,
  );
}

/**
 * Runs a statement without values.
 *
 * @returns its rows; none for a statement without rows
 */
export async function queryRows(connection: Mysql2Connection, sql: string): Promise<readonly Mysql2Row[]> {
  const [rows] = await connection.query({ sql, rowsAsArray: false, typeCast: true });
  return Array.isArray(rows) ? (rows as Mysql2Row[]) : [];
}

/** Number of an error of the server; undefined for other errors. */
export function serverErrno(error: unknown): number | undefined {
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === 'number' && sqlState ? errno : undefined;
}

/** Limit of a pool of mysql2 without the option `connectionLimit`. */
const DEFAULT_CONNECTION_LIMIT = 10;

/** Highest number of connections of a pool. */
export function connectionLimitOf(pool: Mysql2Pool<unknown>): number {
  const { config } = (pool.pool ?? {}) as { config?: { connectionLimit?: unknown } };
  const limit = Number(config?.connectionLimit ?? DEFAULT_CONNECTION_LIMIT);
  // 0 means no limit
  return limit === 0 ? Infinity : limit;
}
