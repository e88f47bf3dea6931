import { inTransaction, type SqlConnections } from '../sql/pooled-database.js';
import type { SqlRow, SqlSession } from '../sql/sql-database.js';
import type { SqlValue } from '../sql/sql-value.js';
import { SqlFailure } from '../sql/sql-failure.js';
import type { PgStatement, PgStoreClient, PgStorePool } from './pg-pool.js';

/** Object ids of types (`pg_type.oid`). */
const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const INT4 = 23;

/** Reads values in the same way whatever the application has told node-postgres. */
const types: PgStatement['types'] = {
  getTypeParser: (oid) => {
    if (oid === INT8 || oid === INT4) return Number;
    if (oid === BYTEA) return (text) => Buffer.from(text.slice(2), 'hex');
    return oid === BOOL ? (text) => text === 't' : (text) => text;
  },
};

/** A value, or an array of them. */
type PgValue = SqlValue | readonly SqlValue[];

/** How long the server's word that it has given up may take. */
const CANCEL_GRACE_MS = 2000;

/** Statements on the connections of a pool. */
export class PgConnections implements SqlConnections {
  readonly #pool: PgStorePool;
  /** Numbered texts, and the names they are prepared under. */
  readonly #statements = new Map<string, { text: string; name?: string }>();
  readonly #settings: string | undefined;
  readonly #timeoutMs: number;
  readonly #configured = new WeakSet<PgStoreClient>();

  /**
   * @param pool - the pool
   * @param settings - statements for each of its connections; undefined = they belong to somebody else. Only where it is
   *   set that plans use the indexes statements keep their plans
   * @param timeoutMs - longest time of a statement
   */
  constructor(pool: PgStorePool, settings: string | undefined, timeoutMs: number) {
    this.#pool = pool;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
  }

  query(text: string, values: readonly PgValue[] = []): Promise<SqlRow[]> {
    return this.#withClient((client) => this.#query(client, text, values));
  }

  execute(text: string, values: readonly PgValue[] = []): Promise<number> {
    return this.#withClient(async (client) => (await this.#run(client, text, values)).rowCount);
  }

  /**
   * `SqlDatabase.transaction`.
   *
   * @param work - runs statements
   * @param timeoutMs - longest time of a statement
   */
  transaction<T>(work: (session: SqlSession) => Promise<T>, timeoutMs?: number): Promise<T> {
    return this.#withClient((client) => {
      const session: SqlSession = {
        query: (text, values = []) => this.#query(client, text, values, timeoutMs),
        execute: async (text, values = []) => (await this.#run(client, text, values, timeoutMs)).rowCount,
      };
      return inTransaction(session, ['begin isolation level read committed'], work);
    });
  }

  async #query(client: PgStoreClient, text: string, values: readonly PgValue[], timeoutMs?: number): Promise<SqlRow[]> {
    // PostgreSQL has no text with a NUL, so nothing can be equal to one
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) return [];
    return (await this.#run(client, text, values, timeoutMs)).rows;
  }

  async #run(
    client: PgStoreClient,
    text: string,
    values: readonly PgValue[],
    timeoutMs = this.#timeoutMs,
  ): Promise<{ rows: SqlRow[]; rowCount: number }> {
    try {
      // the server's own limit comes first, so that it is known that nothing was kept
      const limits = { query_timeout: timeoutMs + CANCEL_GRACE_MS, types };
      const { rows, rowCount } = await client.query({ ...this.#statement(text), values: [...values], ...limits });
      return { rows: rows as SqlRow[], rowCount: rowCount ?? 0 };
    } catch (cause) {
      throw new SqlFailure(failureKind(cause), cause);
    }
  }

  #statement(text: string): { text: string; name?: string } {
    let statement = this.#statements.get(text);
    if (!statement) {
      let count = 0;
      const numbered = text.replaceAll('?', () => `$${++count}`);
      const isWorthIt = this.#settings !== undefined && count > 0;
      statement = isWorthIt ? { text: numbered, name: `nestjs_dtm_${this.#statements.size}` } : { text: numbered };
      this.#statements.set(text, statement);
    }
    return statement;
  }

  async #withClient<T>(work: (client: PgStoreClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw new SqlFailure('unreachable', cause);
    });
    let isBroken = false;
    // a lost connection is reported by the next statement; without a listener its event would end the process
    const onError = (): void => {
      isBroken = true;
    };
    client.on('error', onError);
    try {
      if (this.#settings !== undefined && !this.#configured.has(client)) {
        await this.#run(client, this.#settings, []).catch(({ cause }: SqlFailure) => {
          throw new SqlFailure('unreachable', cause);
        });
        this.#configured.add(client);
      }
      return await work(client);
    } catch (error) {
      isBroken ||= error instanceof SqlFailure && !REUSABLE.has(error.kind);
      throw error;
    } finally {
      client.removeListener('error', onError);
      client.release(isBroken);
    }
  }
}

/**
 * Failures after which a connection is used again. Others may come from the connection itself: its server has become a
 * read-only one, the tables have changed under its prepared statements.
 */
const REUSABLE: ReadonlySet<SqlFailure['kind']> = new Set(['duplicate', 'conflict']);

/** What a failed statement left behind, by the SQLSTATE of its error. */
function failureKind(error: unknown): SqlFailure['kind'] {
  const { code = '', severity } = error as { code?: string; severity?: string };
  // an error without one is not the server's answer
  if (!severity) return 'lost';
  if (code === '23505') return 'duplicate';
  if (code === '40001' || code === '40P01') return 'conflict';
  // the server ended the connection: perhaps after the commit
  return code.startsWith('08') || code.startsWith('57P') ? 'lost' : 'refused';
}
