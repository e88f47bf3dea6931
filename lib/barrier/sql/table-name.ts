import { DtmConfigError } from '../../protocol/internal.js';

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

/** The names of indexes are made from it, and PostgreSQL cuts names at 63 bytes without asking. */
const MAX_NAME_LENGTH = 48;

/**
 * Refuses a name that is not a plain identifier. It is quoted in every statement all the same; this rule exists so that
 * the name means the same in every database and every tool.
 *
 * @param option - option that the name comes from, for the message
 * @param name - the name
 * @throws DtmConfigError when the name is not allowed
 */
export function checkSqlName(option: 'schema' | 'table', name: unknown): string {
  if (typeof name === 'string' && name.length <= MAX_NAME_LENGTH && /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return name;
  throw new DtmConfigError(
    `barrier option ${option} is ${JSON.stringify(name)}: a name has letters, digits, "_" and "-", starts with a letter or "_", ` +
      `and is at most ${MAX_NAME_LENGTH} characters long`,
  );
}
