import type { TransactionRecord } from '../../../protocol/internal.js';
import {
  BRANCH_COLUMNS,
  BRANCH_KEY,
  BRANCH_PROGRESS,
  GLOBAL_COLUMNS,
  encodeOwner,
  type BranchEntry,
  type Column,
} from '../sql/columns.js';
import { padToPowerOfTwo, placeholders } from '../sql/placeholders.js';
import type { SqlDialect, SqlRow, SqlSession, Update } from '../sql/sql-database.js';
import type { SqlValue } from '../sql/sql-value.js';
import { maxBytesOf } from './mysql-connections.js';

/** Maximum number of rows in one statement. */
const MAX_ROWS = 128;

/** Maximum number of bytes of rows in one statement. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Writes many rows with few statements. Each has a power of two of rows, so that few different statements are prepared. */
export class MysqlWrites {
  readonly #session: SqlSession;
  readonly #dialect: SqlDialect;
  readonly #maxBytes: number;

  /**
   * @param session - runs in a database transaction
   * @param dialect - names the tables
   * @param maxBytes - maximum number of bytes of rows that the server accepts in one statement
   */
  constructor(session: SqlSession, dialect: SqlDialect, maxBytes: number) {
    this.#session = session;
    this.#dialect = dialect;
    this.#maxBytes = Math.min(MAX_BYTES, maxBytes);
  }

  insertTransactions(transactions: readonly TransactionRecord[]): Promise<void> {
    const rows = transactions.map((transaction) => this.#encoded(GLOBAL_COLUMNS, transaction));
    return this.#insert(this.#dialect.tables.global, namesOf(GLOBAL_COLUMNS), rows);
  }

  insertBranches(entries: readonly BranchEntry[]): Promise<void> {
    const rows = entries.map((entry) => this.#encoded(BRANCH_COLUMNS, entry));
    return this.#insert(this.#dialect.tables.branch, namesOf(BRANCH_COLUMNS), rows);
  }

  /** Locks transactions until the database transaction ends. @returns their rows by gid */
  lock(gids: readonly string[]): Promise<ReadonlyMap<string, SqlRow>> {
    return this.#lock(gids, '');
  }

  /** {@link lock}, with the number and the bytes of their branches. */
  lockWithBranches(gids: readonly string[]): Promise<ReadonlyMap<string, SqlRow>> {
    const { global, branch } = this.#dialect.tables;
    const select = (value: string): string => `(select ${value} from ${branch} b where b.gid = ${global}.gid)`;
    const bytes = 'coalesce(sum(octet_length(b.bin_data) + octet_length(b.url)), 0)';
    return this.#lock(gids, `, ${select('count(*)')} as branches, ${select(bytes)} as bytes`);
  }

  async #lock(gids: readonly string[], more: string): Promise<ReadonlyMap<string, SqlRow>> {
    const all = padToPowerOfTwo(gids);
    const text = `select id, gid, trans_type, status, owner${more} from ${this.#dialect.tables.global}
      where gid in ${placeholders(all.length)} order by id for update`;
    const rows = await this.#session.query(text, all);
    return new Map(rows.map((row) => [row['gid'] as string, row]));
  }

  /** Replaces locked transactions, by an insert with duplicate keys: MySQL cannot update many rows with different values. */
  replaceTransactions(transactions: readonly TransactionRecord[], locked: ReadonlyMap<string, SqlRow>): Promise<void> {
    const rows = transactions.map((transaction) => [
      idOf(locked.get(transaction.gid)!),
      ...this.#encoded(GLOBAL_COLUMNS, transaction),
    ]);
    return this.#insert(this.#dialect.tables.global, ['id', ...namesOf(GLOBAL_COLUMNS)], rows, GLOBAL_COLUMNS.slice(1));
  }

  /** Replaces the changed columns of branches whose transactions are locked. */
  async replaceBranches(entries: readonly BranchEntry[]): Promise<void> {
    for (let start = 0; start < entries.length; start += MAX_ROWS) {
      const some = entries.slice(start, start + MAX_ROWS);
      const keys = padToPowerOfTwo(some.map((entry) => this.#encoded(BRANCH_KEY, entry)));
      const text = `select id, ${namesOf(BRANCH_KEY).join(', ')} from ${this.#dialect.tables.branch}
        where (${namesOf(BRANCH_KEY).join(', ')}) in (${keys.map((key) => placeholders(key.length)).join(', ')})`;
      const stored = await this.#session.query(text, keys.flat());
      const ids = new Map(stored.map((row) => [keyOf(BRANCH_KEY.map(({ name }) => row[name])), idOf(row)]));
      const columns = [...BRANCH_KEY, ...BRANCH_PROGRESS];
      const rows = some.flatMap((entry) => {
        const id = ids.get(keyOf(this.#encoded(BRANCH_KEY, entry)));
        return id === undefined ? [] : [[id, '', ...this.#encoded(columns, entry)]];
      });
      await this.#insert(this.#dialect.tables.branch, ['id', 'url', ...namesOf(columns)], rows, BRANCH_PROGRESS);
    }
  }

  #encoded<T>(columns: readonly Column<T>[], from: T): SqlValue[] {
    return columns.map((column) => this.#dialect.encode(column, column.value(from)));
  }

  /** Inserts rows; an existing row gets the new values of the columns in `replaced`. */
  async #insert(
    table: string,
    names: readonly string[],
    rows: readonly SqlValue[][],
    replaced: readonly Column<never>[] = [],
  ): Promise<void> {
    const update = replaced.map(({ name }) => `${name} = values(${name})`).join(', ');
    const suffix = update && ` on duplicate key update ${update}`;
    for (let start = 0, count = 0; start < rows.length; start += count) {
      count = Math.min(MAX_ROWS, 2 ** Math.floor(Math.log2(rows.length - start)));
      while (count > 1 && maxBytesOf(rows.slice(start, start + count).flat()) > this.#maxBytes) count /= 2;
      const some = rows.slice(start, start + count);
      const lists = some.map(() => placeholders(names.length)).join(', ');
      await this.#session.execute(`insert into ${table} (${names.join(', ')}) values ${lists}${suffix}`, some.flat());
    }
  }
}

/** Replaces one transaction and some of its branches in one statement, so in one round trip. */
export async function updateOne(
  session: SqlSession,
  dialect: SqlDialect,
  { expected, transaction, branches }: Update,
): Promise<boolean> {
  const { tables } = dialect;
  const columns = GLOBAL_COLUMNS.slice(1);
  const assignments = columns.map(({ name }) => `g.${name} = ?`);
  const keys: SqlValue[] = [];
  const values = columns.map((column) => dialect.encode(column, column.value(transaction)));
  const joins = branches.map((branch, index) => {
    const b = `b${index}`;
    keys.push(branch.branchId, branch.op);
    for (const column of BRANCH_PROGRESS) {
      assignments.push(`${b}.${column.name} = ?`);
      values.push(dialect.encode(column, column.value({ gid: '', branch, time: transaction.updateTime })));
    }
    return `join ${tables.branch} ${b} on ${b}.gid = g.gid and ${b}.branch_id = ? and ${b}.op = ?`;
  });
  const where = ['g.gid = ?', 'g.status = ?'];
  const conditions: SqlValue[] = [transaction.gid, expected.status];
  if (expected.owner !== undefined) {
    where.push('g.owner = ?');
    conditions.push(encodeOwner(expected.owner)!);
  }
  const text = `update ${tables.global} g ${joins.join(' ')} set ${assignments.join(', ')} where ${where.join(' and ')}`;
  return (await session.execute(text, [...keys, ...values, ...conditions])) > 0;
}

function namesOf(columns: readonly Column<never>[]): string[] {
  return columns.map(({ name }) => name);
}

function idOf(row: SqlRow): string {
  return String(row['id']);
}

function keyOf(values: readonly unknown[]): string {
  return values.join('\n');
}
