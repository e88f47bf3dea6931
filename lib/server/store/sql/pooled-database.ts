import type { TransactionDetails } from '../../../protocol/internal.js';
import type { AddBranchesResult } from '../store.js';
import type { Registration, SqlDatabase, SqlDialect, SqlRow, SqlSession, Update } from './sql-database.js';
import type { SqlValue } from './sql-value.js';
import { SqlFailure } from './sql-failure.js';

/** Runs statements on the connections of a pool. */
export interface SqlConnections extends SqlSession {
  /** {@link SqlDatabase.transaction}. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
}

/** How a {@link PooledDatabase} gets its connections. */
export interface PoolAccess<C extends SqlConnections> {
  /** Name for logs and errors. */
  readonly name: string;
  readonly maxConnections: number;
  /** Connects and creates the tables. */
  open(): Promise<OpenPool<C>>;
}

/** Open connections and how they are closed. */
export interface OpenPool<C extends SqlConnections> {
  readonly connections: C;
  end(): Promise<void>;
}

/** A database behind a pool of connections. */
export abstract class PooledDatabase<C extends SqlConnections> implements SqlDatabase {
  readonly name: string;
  readonly dialect: SqlDialect;
  readonly maxConnections: number;
  readonly #access: PoolAccess<C>;
  #pool: OpenPool<C> | undefined;

  constructor(access: PoolAccess<C>, dialect: SqlDialect) {
    this.name = access.name;
    this.dialect = dialect;
    this.maxConnections = access.maxConnections;
    this.#access = access;
  }

  async open(): Promise<void> {
    this.#pool = await this.#access.open();
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }

  query(text: string, values?: readonly SqlValue[]): Promise<SqlRow[]> {
    return this.connections.query(text, values);
  }

  execute(text: string, values?: readonly SqlValue[]): Promise<number> {
    return this.connections.execute(text, values);
  }

  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.connections.transaction(work);
  }

  /** Only while the database is open, which the store ensures. */
  protected get connections(): C {
    return this.#pool!.connections;
  }

  abstract create(writes: readonly TransactionDetails[]): Promise<boolean[]>;

  abstract addBranches(writes: readonly Registration[]): Promise<AddBranchesResult[]>;

  abstract update(writes: readonly Update[]): Promise<boolean[]>;
}

/**
 * Runs work in a database transaction.
 *
 * @param session - one connection
 * @param begin - statements that begin the transaction
 * @param work - runs statements; an error rolls the transaction back
 * @throws SqlFailure `interrupted` when the connection ended before the commit
 */
export async function inTransaction<T>(
  session: SqlSession,
  begin: readonly string[],
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    for (const statement of begin) await session.execute(statement);
    result = await work(session);
  } catch (error) {
    throw await rollBack(session, error);
  }
  await session.execute('commit');
  return result;
}

/** Returns the error of the work. A transaction that cannot be rolled back ends with its connection. */
async function rollBack(session: SqlSession, error: unknown): Promise<unknown> {
  if (error instanceof SqlFailure && error.kind === 'lost') return new SqlFailure('interrupted', error.cause);
  const failure = await session.execute('rollback').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return failure instanceof SqlFailure ? new SqlFailure('interrupted', failure.cause) : error;
}
