import type { BranchRecord, TransactionDetails, TransactionRecord, TransType } from '../../../protocol/internal.js';
import type { AddBranchesResult, BranchLimits, ExpectedState } from '../store.js';
import type { Column } from './columns.js';
import type { SqlValue } from './sql-value.js';

/** A row, its columns by name. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs statements with `?` as placeholder, on one connection or on any connection of a pool. Every method throws `SqlFailure`. */
export interface SqlSession {
  /** Runs a statement that returns rows. */
  query(text: string, values?: readonly SqlValue[]): Promise<SqlRow[]>;
  /** Runs a statement that changes rows. @returns how many rows matched */
  execute(text: string, values?: readonly SqlValue[]): Promise<number>;
}

/** The SQL in which databases differ. */
export interface SqlDialect {
  /** Names of the tables, quoted, with their schema. */
  readonly tables: { readonly global: string; readonly branch: string; readonly kv: string };
  /** Condition that a transaction is not final, in the form that the index on {@link SqlDialect.dueTime} serves. */
  readonly isUnfinished: string;
  /** Column with the due time of unfinished transactions. */
  readonly dueTime: string;
  /** Expression for the UTC milliseconds of a time column. */
  milliseconds(column: string): string;
  /** Encodes a value for a column. */
  encode(column: Pick<Column<never>, 'name' | 'kind'>, value: SqlValue): SqlValue;
}

/** A database with the tables of Go dtm. */
export interface SqlDatabase extends SqlSession {
  /** Name for logs and errors, without a secret. */
  readonly name: string;
  readonly dialect: SqlDialect;
  readonly maxConnections: number;
  /** Connects, and creates or alters the tables. */
  open(): Promise<void>;
  /** Closes the connections. */
  close(): Promise<void>;
  /** Runs statements on one connection in one READ COMMITTED transaction; an error of the work rolls it back. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** `Store.create` for many, all or none; their gids differ. */
  create(writes: readonly TransactionDetails[]): Promise<boolean[]>;
  /** `Store.addBranches` for many; their gids differ. @throws SqlFailure `duplicate`; nothing is added then */
  addBranches(writes: readonly Registration[]): Promise<AddBranchesResult[]>;
  /** `Store.update` for many, all or none; their gids differ. */
  update(writes: readonly Update[]): Promise<boolean[]>;
}

/** Branches that are added to a transaction, see `Store.addBranches`. */
export interface Registration {
  readonly gid: string;
  /** Mode that the transaction must have. */
  readonly transType: TransType;
  readonly branches: readonly BranchRecord[];
  readonly limits: BranchLimits | undefined;
}

/** A transaction's new record, see `Store.update`. */
export interface Update {
  readonly expected: ExpectedState;
  readonly transaction: TransactionRecord;
  /** New records of branches, identified by branch id and operation. */
  readonly branches: readonly BranchRecord[];
}
