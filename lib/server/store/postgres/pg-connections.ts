import { inTransaction, type SqlConnections } from '../sql/pooled-database.js';
import type { SqlRow, SqlSession } from '../sql/sql-database.js';
import type { SqlValue } from '../sql/sql-value.js';
import { SqlFailure } from '../sql/sql-failure.js';
import { decodeBytea } from './decode-bytea.js';
import type { PgStatement, PgStoreClient, PgStorePool } from './pg-pool.js';

/** Object ids of types (`pg_type.oid`). */
const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const INT4 = 23;

/** Decodes values independently of the type parsers that the application has set globally. */
const types: PgStatement['types'] = {
  getTypeParser: (oid) => {
    if (oid === INT8 || oid === INT4) return Number;
    if (oid === BYTEA) return decodeBytea;
    return oid === BOOL ? (text) => text === 't' : (text) => text;
  },
};

/** A value or an array of values. */
type PgValue = SqlValue | readonly SqlValue[];

/** Extra time for the server's answer that the statement timed out. */
const CANCEL_GRACE_MS = 2000;

/** A pool and how the store uses it. */
export interface PgAccess {
  readonly pool: PgStorePool;
  /** SQL that configures each session. @default none */
  readonly settings?: string | undefined;
  /** The store configured the plans of the sessions: only their prepared statements are sure to use the indexes. */
  readonly isOwn: boolean;
  /** Time limit for a statement. */
  readonly timeoutMs: number;
}

/** Runs statements on the connections of a pool. */
export class PgConnections implements SqlConnections {
  /** SQL with numbered placeholders and the names of prepared statements, by SQL with `?`. */
  readonly #statements = new Map<string, { text: string; name?: string }>();
  readonly #access: PgAccess;
  readonly #configured = new WeakSet<PgStoreClient>();

  constructor(access: PgAccess) {
    this.#access = access;
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
   * @param timeoutMs - time limit for a statement
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
    // PostgreSQL cannot store a NUL, so no row matches
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) return [];
    return (await this.#run(client, text, values, timeoutMs)).rows;
  }

  async #run(
    client: PgStoreClient,
    text: string,
    values: readonly PgValue[],
    timeoutMs = this.#access.timeoutMs,
  ): Promise<{ rows: SqlRow[]; rowCount: number }> {
    try {
      // the server's time limit ends first, so that the statement certainly changed nothing
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
      const isPrepared = this.#access.isOwn && count > 0;
      statement = isPrepared ? { text: numbered, name: `nestjs_dtm_${this.#statements.size}` } : { text: numbered };
      this.#statements.set(text, statement);
    }
    return statement;
  }

  async #withClient<T>(work: (client: PgStoreClient) => Promise<T>): Promise<T> {
    const { pool, settings } = this.#access;
    const client = await pool.connect().catch((cause: unknown) => {
      throw new SqlFailure('unreachable', cause);
    });
    let isBroken = false;
    // the next statement reports a lost connection; without a listener the event would end the process
    const onError = (): void => {
      isBroken = true;
    };
    client.on('error', onError);
    try {
      if (settings !== undefined && !this.#configured.has(client)) {
        await this.#run(client, settings, []).catch(({ cause }: SqlFailure) => {
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
 * Failures after which the connection is reused. Others may come from the connection: its server may have become
 * read-only, or the tables may have changed under its prepared statements.
 */
const REUSABLE: ReadonlySet<SqlFailure['kind']> = new Set(['duplicate', 'conflict']);

/** Tells what a failed statement changed. */
function failureKind(error: unknown): SqlFailure['kind'] {
  const { code = '', severity } = error as { code?: string; severity?: string };
  // an error without a severity does not come from the server
  if (!severity) return 'lost';
  if (code === '23505') return 'duplicate';
  if (code === '40001' || code === '40P01') return 'conflict';
  // the server closed the connection, perhaps after the commit
  return code.startsWith('08') || code.startsWith('57P') ? 'lost' : 'refused';
}
