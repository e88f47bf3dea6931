import type { BarrierTableName } from '../barrier-table-options.js';

/** Database family of a barrier; `mysql` includes MariaDB. */
export type SqlDialectName = 'postgres' | 'mysql' | 'sqlite';

/** A statement with its parameters, in the order of the placeholders. */
export interface SqlStatement {
  /** SQL text with the placeholders of the dialect: `$1`, `$2`, … on PostgreSQL, `?` elsewhere. */
  readonly text: string;
  /** One value for each placeholder. */
  readonly parameters: readonly string[];
}

/** The statements that differ between databases. Table names in the parameters are quoted. */
export interface SqlDialect {
  /** Name of the table when the user sets none. */
  readonly defaultTable: BarrierTableName;
  /** Whether the database has schemas, or databases in their place. */
  readonly hasSchemas: boolean;
  /** Quotes and joins the parts of a name. */
  quote(name: BarrierTableName): string;
  /** Statements that create schema, table and indexes unless they exist. */
  ddl(name: BarrierTableName): readonly string[];
  /** Returns one row if the table exists. Absent where `create table if not exists` needs no rights for an existing table. */
  findTable?(name: BarrierTableName): SqlStatement;
  /** Runs before the DDL, in its transaction, where two processes that create the same table would fail. */
  readonly ddlLock?: string;
  /** Inserts a row unless its key exists; values: trans_type, gid, branch_id, op, barrier_id, reason. */
  insert(table: string): string;
  /**
   * Reads the key columns of the row as `gid`, `branch`, `op`, `barrier`; values: gid, branch_id, op, barrier_id. Needed only
   * where a collation can confuse two keys, or an insert can change a key.
   */
  readKey?(table: string): string;
  /** Reads the committed `reason` of a row, not that of a snapshot; values: gid, branch_id, op, barrier_id. */
  readReason(table: string): string;
  /** Fails in a transaction that the database will roll back at the commit. Absent where the commit itself fails. */
  readonly probe?: string;
  /** Error codes (`code` or `errno` of the driver's error) for a missing schema or table. */
  readonly missingTableCodes: ReadonlySet<string>;
  /** Error codes for a conflict with another transaction, after which a retry helps. */
  readonly conflictCodes: ReadonlySet<string>;
}
