import { DtmStoreError } from '../../../protocol/internal.js';

/** A column that a table needs. */
export interface LayoutColumn {
  readonly name: string;
  readonly type: string;
  /** SQL after the type when the column is created. @default '' (nullable) */
  readonly rest?: string | undefined;
  /** Accepted types, as the database describes them; a column of any other type is altered. @default any type */
  readonly accepts?: RegExp | undefined;
}

/** A table that the store needs. */
export interface LayoutTable {
  /** Name without quotes. */
  readonly name: string;
  readonly columns: readonly LayoutColumn[];
}

/** Required alterations of a table. */
export interface LayoutGap {
  /** Columns that do not exist. */
  readonly missing: readonly LayoutColumn[];
  /** Columns that are too narrow. */
  readonly narrow: readonly LayoutColumn[];
}

/**
 * Compares a table with the table that the store needs.
 *
 * @param table - the table that the store needs
 * @param found - types of the existing columns by name, as the database describes them
 * @throws DtmStoreError when the table does not belong to dtm
 */
export function findLayoutGap(table: LayoutTable, found: ReadonlyMap<string, string>): LayoutGap {
  const missing = table.columns.filter(({ name }) => !found.has(name));
  const foreign = missing.find(({ rest }) => rest === NOT_NULL);
  if (foreign) {
    throw new DtmStoreError(
      `the table ${table.name} exists, but it is not a table of dtm: it has no column ${foreign.name}; use another schema or database`,
    );
  }
  const narrow = table.columns.filter(({ name, accepts }) => {
    const type = found.get(name);
    return type !== undefined && accepts !== undefined && !accepts.test(type);
  });
  return { missing, narrow };
}

/** Time limit for a statement that alters a table; databases may copy a large table. */
export const ALTER_TIMEOUT_MS = 24 * 3600 * 1000;

/** A column with this constraint cannot be added to a table that has rows. */
export const NOT_NULL = 'not null';

/** SQL that defines a column. */
export function columnDefinition({ name, type, rest = '' }: LayoutColumn): string {
  return `${name} ${type} ${rest}`.trim();
}

/**
 * The message for tables that the store cannot create or alter.
 *
 * @param name - name of the store
 * @param why - why it cannot
 * @param statements - SQL that a person has to run
 */
export function layoutMessage(name: string, why: string, statements: readonly string[]): string {
  return `${name}: tables must be created or altered, but ${why}; run there:\n\n${statements.join(';\n\n')};\n`;
}
