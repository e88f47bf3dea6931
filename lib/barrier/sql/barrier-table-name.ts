/** Where the barrier table is. */
export interface BarrierTableOptions {
  /**
   * Schema of the table, on MySQL and MariaDB its database; `''` means the current one. SQLite has no schemas.
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

/** Name of a barrier table, checked; `schema` is empty for the current one. */
export interface BarrierTableName {
  /** Schema, or `''` for the current one. */
  readonly schema: string;
  /** Table within the schema. */
  readonly table: string;
}
