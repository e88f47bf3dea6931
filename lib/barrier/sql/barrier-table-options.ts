/** Name of the barrier table. */
export interface BarrierTableOptions {
  /**
   * Schema of the table; on MySQL and MariaDB its database. `''` means the current schema. SQLite has no schemas.
   *
   * @default 'dtm_barrier' ('' on SQLite)
   */
  readonly schema?: string | undefined;
  /**
   * Name of the table.
   *
   * @default 'barrier' ('dtm_barrier' on SQLite)
   */
  readonly table?: string | undefined;
}

/** Checked name of a barrier table. */
export interface BarrierTableName {
  /** Schema, or `''` for the current schema. */
  readonly schema: string;
  /** Table in the schema. */
  readonly table: string;
}
