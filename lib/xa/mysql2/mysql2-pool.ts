/**
 * The parts of mysql2 that XA uses, described by their shape: its types are not needed.
 */

/** One statement, as mysql2 takes it. */
export interface Mysql2Statement {
  /** With `?` for each value. */
  sql: string;
  /** What stands there. */
  values?: string[];
  /** Rows are objects. */
  rowsAsArray?: false;
  /** Values are read as usual. */
  typeCast?: true;
}

/** A connection out of a pool: `PoolConnection` of `mysql2/promise`. */
export interface Mysql2Connection {
  /** Number of the connection on the server. */
  readonly threadId: number;
  /** Runs a statement as it is. */
  query(statement: Mysql2Statement): Promise<[unknown, unknown]>;
  /** Prepares a statement, once for each text, and runs it. */
  execute(statement: Mysql2Statement): Promise<[unknown, unknown]>;
  /** Gives the connection back. */
  release(): void;
  /** Throws it away. */
  destroy(): void;
}

/** A pool of connections: `createPool()` of `mysql2/promise`. */
export interface Mysql2Pool<Connection> {
  /** Takes a connection out of the pool. */
  getConnection(): Promise<Connection>;
  /** The pool underneath; knows how many connections it may have. */
  readonly pool?: object;
}

/** A row of an answer. */
export type Mysql2Row = Readonly<Record<string, unknown>>;

/** As many connections as a pool of mysql2 has unless told otherwise. */
const DEFAULT_CONNECTIONS = 10;

/**
 * Most connections of a pool.
 *
 * @param pool - of mysql2/promise
 */
export function connectionsOf(pool: Mysql2Pool<unknown>): number {
  const { config } = (pool.pool ?? {}) as { config?: { connectionLimit?: unknown } };
  const limit = Number(config?.connectionLimit ?? DEFAULT_CONNECTIONS);
  // 0 means as many as are asked for
  return limit === 0 ? Infinity : limit;
}

/**
 * Runs a statement without values.
 *
 * @returns its rows; none for a statement without rows
 */
export async function rowsOf(connection: Mysql2Connection, sql: string): Promise<readonly Mysql2Row[]> {
  const [rows] = await connection.query({ sql, rowsAsArray: false, typeCast: true });
  return Array.isArray(rows) ? (rows as Mysql2Row[]) : [];
}

/** Number of an error of the server; undefined for other errors. */
export function errnoOf(error: unknown): number | undefined {
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === 'number' && sqlState ? errno : undefined;
}

/**
 * Runs something on a connection of its own, which goes back to the pool unless it may be broken.
 *
 * @param pool - of mysql2/promise
 * @param work - what to run; leaves the connection as it was when it succeeds
 */
export async function onConnection<Connection extends Mysql2Connection, T>(
  pool: Mysql2Pool<Connection>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection();
  let isBroken = true;
  try {
    const result = await work(connection);
    isBroken = false;
    return result;
  } finally {
    if (isBroken) connection.destroy();
    else connection.release();
  }
}
