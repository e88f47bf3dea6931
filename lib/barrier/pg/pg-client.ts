/**
 * The parts of node-postgres and PGlite that the barrier uses, as structural types: the types of these packages are not needed.
 */

/** Result of a statement. */
export interface PgResult {
  /** Rows as objects. */
  readonly rows: unknown[];
  /** Command that the server has run, e.g. `COMMIT`. */
  readonly command?: string | undefined;
  /** Affected rows of node-postgres. */
  readonly rowCount?: number | null | undefined;
  /** Affected rows of PGlite. */
  readonly affectedRows?: number | undefined;
}

/** Runs statements: node-postgres `Client` and `PoolClient`, PGlite's `Transaction`. */
export interface PgQueryable {
  /** Runs one statement with `$1`, `$2`, … */
  query(text: string, parameters?: string[]): Promise<PgResult>;
}

/** One connection to a server: node-postgres `Client` or `PoolClient`. */
export interface PgClient extends PgQueryable {
  /** State of the transaction, in node-postgres from 8.21. */
  getTransactionStatus?(): string | null;
  /** Adds a listener. */
  on?(event: 'error', listener: (error: Error) => void): unknown;
  /** Removes a listener. */
  removeListener?(event: 'error', listener: (error: Error) => void): unknown;
}

/** A pool of connections: node-postgres `Pool`. */
export interface PgPool<Client> {
  /** Number of connections; tells a pool from a client. */
  readonly totalCount: number;
  /** Options of the pool. */
  readonly options?: { readonly max?: number | undefined };
  /** Takes a connection out of the pool. */
  connect(): Promise<Client>;
  /** The overload with a callback that node-postgres declares; not used. */
  connect(callback: (...result: never[]) => void): void;
}

/** A database that opens its own transactions: PGlite. */
export interface PgDatabase<Transaction> {
  /** Runs one statement outside a transaction. */
  query(text: string, parameters?: string[]): Promise<PgResult>;
  /** Runs the callback in a transaction, and commits or rolls back. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** A client out of a pool: node-postgres `PoolClient`. */
export interface PooledPgClient extends PgClient {
  /** Gives the client back; `true` closes its connection. */
  release(isBroken: boolean): void;
}

/**
 * Ignores the `error` event of a client, which would end the process when the connection is lost. The next statement
 * reports the loss.
 *
 * @returns ends this
 */
export function ignoreErrorEvents(client: PgClient): () => void {
  client.on?.('error', ignore);
  return () => void client.removeListener?.('error', ignore);
}

function ignore(): void {}

/** Limit of a pool of node-postgres without the option `max`. */
const DEFAULT_CONNECTIONS = 10;

/** Maximum number of connections of a pool. */
export function maxConnectionsOf({ options }: Pick<PgPool<unknown>, 'options'>): number {
  return options?.max ?? DEFAULT_CONNECTIONS;
}
