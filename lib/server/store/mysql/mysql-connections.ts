import { DtmConfigError } from '../../../protocol/internal.js';
import { inTransaction, type SqlConnections } from '../sql/pooled-database.js';
import type { SqlRow, SqlSession } from '../sql/sql-database.js';
import type { SqlValue } from '../sql/sql-value.js';
import { SqlFailure } from '../sql/sql-failure.js';
import { SESSION_QUERY, assertUsableSession } from './session-check.js';
import { SESSION_SETTINGS, type MysqlStatement, type MysqlStoreConnection, type MysqlStorePool } from './mysql-pool.js';

/** Capability flag: an update counts the rows that it found, not those that it changed. */
const FOUND_ROWS = 2;

/** A pool and how the store uses it. */
export interface MysqlAccess {
  readonly pool: MysqlStorePool;
  /** The store opened the pool itself, so that it may configure the sessions. */
  readonly isOwn: boolean;
  /** Time limit for a statement. */
  readonly timeoutMs: number;
}

/** Runs statements on the connections of a pool. */
export class MysqlConnections implements SqlConnections {
  readonly #access: MysqlAccess;
  readonly #prepared = new WeakSet<object>();
  /** Maximum number of bytes that the server accepts in one statement. */
  #maxPacket = Infinity;

  constructor(access: MysqlAccess) {
    this.#access = access;
  }

  query(text: string, values?: readonly SqlValue[]): Promise<SqlRow[]> {
    return this.withConnection((session) => session.query(text, values));
  }

  execute(text: string, values?: readonly SqlValue[]): Promise<number> {
    return this.withConnection((session) => session.execute(text, values));
  }

  /**
   * Runs statements on one connection, without a transaction.
   *
   * @param timeoutMs - time limit for a statement
   */
  async withConnection<T>(work: (session: SqlSession) => Promise<T>, timeoutMs = this.#access.timeoutMs): Promise<T> {
    const connection = await this.#access.pool.getConnection().catch((cause: unknown) => {
      throw new SqlFailure('unreachable', cause);
    });
    let isBroken = true;
    try {
      await this.#prepareConnection(connection);
      const result = await work(this.#sessionOn(connection, timeoutMs));
      isBroken = false;
      return result;
    } catch (error) {
      isBroken = error instanceof SqlFailure && !REUSABLE.has(error.kind);
      throw error;
    } finally {
      if (isBroken) connection.destroy();
      else connection.release();
    }
  }

  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    const isolation = this.#access.isOwn ? [] : ['set transaction isolation level read committed'];
    return this.withConnection((session) => inTransaction(session, [...isolation, 'start transaction'], work));
  }

  /** Maximum number of bytes of values in one statement. */
  get maxBytes(): number {
    return this.#maxPacket / 2;
  }

  #sessionOn(connection: MysqlStoreConnection, timeoutMs: number): SqlSession {
    return {
      query: async (text, values = []) => (await this.#run(connection, text, values, timeoutMs)) as SqlRow[],
      execute: async (text, values = []) =>
        ((await this.#run(connection, text, values, timeoutMs)) as { affectedRows: number }).affectedRows,
    };
  }

  async #run(
    connection: MysqlStoreConnection,
    text: string,
    values: readonly SqlValue[],
    timeoutMs = this.#access.timeoutMs,
  ): Promise<unknown> {
    // the server would close the connection instead of answering
    if (maxBytesOf(values) > this.#maxPacket && countBytes(values) > this.#maxPacket) {
      throw new SqlFailure('refused', new Error(`max_allowed_packet of ${this.#maxPacket} bytes is too small`));
    }
    const statement: MysqlStatement = { sql: text, timeout: timeoutMs, rowsAsArray: false };
    try {
      const [result] =
        values.length === 0
          ? await connection.query(statement)
          : await connection.execute({ ...statement, values: values.map(bindValue) });
      return result;
    } catch (cause) {
      throw new SqlFailure(failureKind(cause), cause);
    }
  }

  /** Configures a new connection. */
  async #prepareConnection(connection: MysqlStoreConnection): Promise<void> {
    const key = connection.connection ?? connection;
    if (this.#prepared.has(key)) return;
    const { config } = key as { config?: { clientFlags?: number } };
    if (config?.clientFlags !== undefined && (config.clientFlags & FOUND_ROWS) === 0) {
      throw new DtmConfigError('mysqlStore: pool is opened with the flag -FOUND_ROWS; remove the flag');
    }
    try {
      if (this.#access.isOwn) for (const setting of SESSION_SETTINGS) await this.#run(connection, setting, []);
      const [row = {}] = (await this.#run(connection, SESSION_QUERY, [])) as SqlRow[];
      assertUsableSession(row);
      this.#maxPacket = Number(row['bytes']);
    } catch (error) {
      if (error instanceof DtmConfigError) throw error;
      throw new SqlFailure('unreachable', error instanceof SqlFailure ? error.cause : error);
    }
    this.#prepared.add(key);
  }
}

function bindValue(value: SqlValue): string | number | boolean | Buffer | null {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value;
}

function countBytes(values: readonly SqlValue[]): number {
  return values.reduce((bytes: number, value) => {
    if (typeof value === 'string') return bytes + 9 + Buffer.byteLength(value);
    return bytes + maxBytesOf([value]);
  }, 0);
}

/** Upper bound for the bytes of values; much faster than counting them. */
export function maxBytesOf(values: readonly SqlValue[]): number {
  let bytes = 0;
  for (const value of values) {
    // UTF-8 has at most three bytes for each UTF-16 unit
    if (typeof value === 'string') bytes += 9 + 3 * value.length;
    else bytes += 9 + (value instanceof Uint8Array ? value.length : 0);
  }
  return bytes;
}

/** Failures after which the connection is reused. Others may come from the connection: its server may have become read-only. */
const REUSABLE: ReadonlySet<SqlFailure['kind']> = new Set(['duplicate', 'conflict']);

/** Error numbers of MySQL and MariaDB. */
const DUPLICATE_ENTRY = 1062;
/** Deadlock; the row has changed since the read. */
const CONFLICTS = [1213, 1020];
/** The server closed the connection. */
const CONNECTION_ENDED = [1053, 1152, 1158, 1159, 1160, 1161, 1927, 4031];

/** Tells what a failed statement changed. */
function failureKind(error: unknown): SqlFailure['kind'] {
  const { errno = 0, sqlState, fatal } = error as { errno?: number; sqlState?: string; fatal?: boolean };
  // an error without an SQL state does not come from the server
  if (!sqlState || fatal || CONNECTION_ENDED.includes(errno)) return 'lost';
  if (errno === DUPLICATE_ENTRY) return 'duplicate';
  return CONFLICTS.includes(errno) ? 'conflict' : 'refused';
}
