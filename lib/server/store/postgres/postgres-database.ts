import { transactionBytes, type TransactionDetails } from '../../../protocol/internal.js';
import { BRANCH_COLUMNS, GLOBAL_COLUMNS, branchEntries, encodeOwner, type Column } from '../sql/columns.js';
import { PooledDatabase, type PoolAccess } from '../sql/pooled-database.js';
import type { Registration, Update } from '../sql/sql-database.js';
import type { SqlValue } from '../sql/sql-value.js';
import type { AddBranchesResult } from '../store.js';
import type { PgConnections } from './pg-connections.js';
import { postgresDialect } from './postgres-dialect.js';
import { CHANGED_COLUMNS, writeStatements } from './write-statements.js';

/** A PostgreSQL database with the tables of dtm. */
export class PostgresDatabase extends PooledDatabase<PgConnections> {
  readonly #statements: ReturnType<typeof writeStatements>;

  /**
   * @param access - opens the connections
   * @param schema - checked name of the schema
   */
  constructor(access: PoolAccess<PgConnections>, schema: string) {
    super(access, postgresDialect(schema));
    this.#statements = writeStatements(this.dialect);
  }

  async create(writes: readonly TransactionDetails[]): Promise<boolean[]> {
    const transactions = writes.map(({ transaction }) => transaction);
    const entries = writes.flatMap(({ transaction: { gid, createTime }, branches }) =>
      branchEntries(gid, branches, createTime),
    );
    const created = await this.#writtenGids(this.#statements.create, [
      ...this.#arrays(GLOBAL_COLUMNS, transactions),
      ...this.#arrays(BRANCH_COLUMNS, entries),
    ]);
    return transactions.map(({ gid }) => created.has(gid));
  }

  async addBranches(writes: readonly Registration[]): Promise<AddBranchesResult[]> {
    const time = Date.now();
    const entries = writes.flatMap(({ gid, branches }) => branchEntries(gid, branches, time));
    const rows = await this.connections.query(this.#statements.addBranches, [
      writes.map(({ gid }) => gid),
      writes.map(({ transType }) => transType),
      writes.map(({ limits, branches }) => (limits ? limits.maxBranches - branches.length : null)),
      writes.map(({ limits, branches }) => (limits ? limits.maxBytes - transactionBytes(undefined, branches) : null)),
      ...this.#arrays(BRANCH_COLUMNS, entries),
    ]);
    const results = new Map(rows.map(({ gid, result }) => [gid, result as AddBranchesResult]));
    return writes.map(({ gid }) => results.get(gid) ?? 'refused');
  }

  async update(writes: readonly Update[]): Promise<boolean[]> {
    const transactions = writes.map(({ transaction }) => transaction);
    const entries = writes.flatMap(({ transaction: { gid, updateTime }, branches }) =>
      branchEntries(gid, branches, updateTime),
    );
    const updated = await this.#writtenGids(this.#statements.update, [
      writes.map(({ expected }) => expected.status),
      writes.map(({ expected }) => encodeOwner(expected.owner) ?? null),
      ...this.#arrays(GLOBAL_COLUMNS, transactions),
      ...this.#arrays(CHANGED_COLUMNS, entries),
    ]);
    return transactions.map(({ gid }) => updated.has(gid));
  }

  /** Runs a statement that returns the gids that it has written. */
  async #writtenGids(text: string, arrays: readonly SqlValue[][]): Promise<ReadonlySet<unknown>> {
    const rows = await this.connections.query(text, arrays);
    return new Set(rows.map(({ gid }) => gid));
  }

  #arrays<T>(columns: readonly Column<T>[], from: readonly T[]): SqlValue[][] {
    return columns.map((column) => from.map((item) => this.dialect.encode(column, column.value(item))));
  }
}
