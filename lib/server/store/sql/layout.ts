import { DtmStoreError } from '../../../protocol/internal.js';

/** A column as a table should have it. */
export interface LayoutColumn {
  /** Name. */
  readonly name: string;
  /** Type. */
  readonly type: string;
  /** What follows the type when the column is made. @default '' it may be null */
  readonly rest?: string | undefined;
  /** What it may be instead, as the database describes it; a column that is neither is altered. @default anything */
  readonly accepts?: RegExp | undefined;
}

/** A table as it should be. */
export interface LayoutTable {
  /** Name, without quotes. */
  readonly name: string;
  /** Its columns. */
  readonly columns: readonly LayoutColumn[];
}

/** What is to be altered. */
export interface LayoutGap {
  /** Columns that do not exist. */
  readonly missing: readonly LayoutColumn[];
  /** Columns that are too narrow. */
  readonly narrow: readonly LayoutColumn[];
}

/**
 * Compares a table with what it should be.
 *
 * @param table - what it should be
 * @param found - its columns as the database describes them, by name
 * @throws DtmStoreError when it is none of dtm's
 */
export function findLayoutGap(table: LayoutTable, found: ReadonlyMap<string, string>): LayoutGap {
  const missing = table.columns.filter(({ name }) => !found.has(name));
  const foreign = missing.find(({ rest }) => rest === NOT_NULL);
  if (foreign) {
    throw new DtmStoreError(
      `the table ${table.name} is there, but it is none of dtm's: it has no column ${foreign.name}; name another schema or database`,
    );
  }
  const narrow = table.columns.filter(({ name, accepts }) => {
    const type = found.get(name);
    return type !== undefined && accepts !== undefined && !accepts.test(type);
  });
  return { missing, narrow };
}

/** Longest time of a statement that alters a table; a large one is copied. */
export const ALTER_TIMEOUT_MS = 24 * 3600 * 1000;

/** Of a column that has a value in every row, so that it cannot be added later. */
export const NOT_NULL = 'not null';

/** A column as it is made. */
export function columnDefinition({ name, type, rest = '' }: LayoutColumn): string {
  return `${name} ${type} ${rest}`.trim();
}

/**
 * Says what is to be done about tables that the store may not, or must not, alter itself.
 *
 * @param name - of the store
 * @param why - it does not do it itself
 * @param statements - what is missing
 */
export function layoutMessage(name: string, why: string, statements: readonly string[]): string {
  return `${name}: its tables must be made or altered, and ${why}. Have this run there:\n\n${statements.join(';\n\n')};\n`;
}
