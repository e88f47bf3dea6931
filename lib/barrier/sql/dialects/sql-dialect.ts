import type { BarrierTableName } from '../barrier-table-name.js';

/** Database family whose SQL a barrier speaks; `mysql` includes MariaDB. */
export type SqlDialectName = 'postgres' | 'mysql' | 'sqlite';

/** A statement with its parameters, in the order of the placeholders. */
export interface SqlStatement {
  /** SQL text with the placeholders of the dialect: `$1`, `$2`, … on PostgreSQL, `?` elsewhere. */
  readonly text: string;
  /** One value for each placeholder. */
  readonly parameters: readonly string[];
}

/** Everything that differs between databases. Table names in the texts are quoted. */
export interface SqlDialect {
  /** Where the table is unless the user says otherwise. */
  readonly defaultTable: BarrierTableName;
  /** Whether the database has schemas, or databases used as such. */
  readonly hasSchemas: boolean;
  /** Quotes and joins the parts of a name. */
  quote(name: BarrierTableName): string;
  /** Statements that create schema, table and indexes unless they exist. */
  ddl(name: BarrierTableName): readonly string[];
  /** Finds out whether the table exists, one row if so; left out where creating an existing table needs no rights. */
  findTable?(name: BarrierTableName): SqlStatement;
  /** Run before the DDL, in its transaction, where two processes that create the same thing would fail. */
  readonly ddlLock?: string;
  /** Inserts a row unless its key exists; values: trans_type, gid, branch_id, op, barrier_id, reason. */
  insert(table: string): string;
  /**
   * Reads the key columns of the row, as `gid`, `branch`, `op`, `barrier`; values: gid, branch_id, op, barrier_id. Only
   * where the table's collation may take one key for another, or an insert may alter a key.
   */
  readKey?(table: string): string;
  /** Reads `reason` of a row, whatever snapshot the transaction has; values: gid, branch_id, op, barrier_id. */
  readReason(table: string): string;
  /** Fails in a transaction that the database will roll back at the commit; left out where the commit itself fails. */
  readonly probe?: string;
  /** Error codes (`code` or `errno` of the driver's error) that say that schema or table are missing. */
  readonly missingTableCodes: ReadonlySet<string>;
  /** Error codes that say that another transaction was in the way, and that a retry helps. */
  readonly conflictCodes: ReadonlySet<string>;
}
