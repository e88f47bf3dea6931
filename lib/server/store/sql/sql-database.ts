import type { BranchRecord, TransactionDetails, TransactionRecord, TransType } from '../../../protocol/internal.js';
import type { ExpectedState } from '../store.js';
import type { Column } from './columns.js';
import type { SqlValue } from './sql-value.js';

/** A row, its columns by name. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs statements whose values stand as `?`: on one connection, or on any of a pool. All of it throws `SqlFailure`. */
export interface SqlSession {
  /** Runs a statement that gives rows. */
  query(text: string, values?: readonly SqlValue[]): Promise<SqlRow[]>;
  /** Runs a statement that changes rows. @returns how many it found */
  execute(text: string, values?: readonly SqlValue[]): Promise<number>;
}

/** What databases spell differently. */
export interface SqlDialect {
  /** Names of the tables, quoted, with their schema. */
  readonly tables: { readonly global: string; readonly branch: string; readonly kv: string };
  /** Condition: a transaction is not final. Of the kind that the index over {@link SqlDialect.dueTime} serves. */
  readonly isUnfinished: string;
  /** Column with the time at which an unfinished transaction is due. */
  readonly dueTime: string;
  /** An expression that gives the UTC milliseconds of a time column. */
  milliseconds(column: string): string;
  /** Encodes a value for a column. */
  encode(column: Pick<Column<never>, 'name' | 'kind'>, value: SqlValue): SqlValue;
}

/** A database with the tables of Go dtm. */
export interface SqlDatabase extends SqlSession {
  /** Names it for people, without a secret. */
  readonly name: string;
  /** How it spells things. */
  readonly dialect: SqlDialect;
  /** Most connections. */
  readonly maxConnections: number;
  /** Connects, makes or widens the tables. */
  open(): Promise<void>;
  /** Lets go of the connections. */
  close(): Promise<void>;
  /** Runs statements on one connection in one READ COMMITTED transaction; what the work throws rolls it back. */
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** `Store.create` for many, all or none; their gids differ. */
  create(writes: readonly TransactionDetails[]): Promise<boolean[]>;
  /** `Store.addBranches` for many, all or none; their gids differ. @throws SqlFailure `duplicate` */
  addBranches(writes: readonly Registration[]): Promise<('added' | 'refused')[]>;
  /** `Store.update` for many, all or none; their gids differ. */
  update(writes: readonly Update[]): Promise<boolean[]>;
}

/** Branches that are added to a transaction, see `Store.addBranches`. */
export interface Registration {
  /** Transaction. */
  readonly gid: string;
  /** Mode that it must have. */
  readonly transType: TransType;
  /** What is added. */
  readonly branches: readonly BranchRecord[];
}

/** A transaction's new record, see `Store.update`. */
export interface Update {
  /** What must still be so. */
  readonly expected: ExpectedState;
  /** New record. */
  readonly transaction: TransactionRecord;
  /** New records of branches; which they are is told by branch id and operation. */
  readonly branches: readonly BranchRecord[];
}
