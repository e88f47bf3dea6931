import { DtmConfigError } from '../../protocol/internal.js';
import { parseSqlName } from '../../support/sql-name.js';
import type { SqlDialect, SqlDialectName } from './dialects/sql-dialect.js';
import { mysql } from './dialects/mysql.js';
import { postgres } from './dialects/postgres.js';
import { sqlite } from './dialects/sqlite.js';
import type { BarrierTableName, BarrierTableOptions } from './barrier-table-options.js';

const DIALECTS: ReadonlyMap<string, SqlDialect> = new Map(Object.entries({ postgres, mysql, sqlite }));

/** Names of the dialects. */
export const SQL_DIALECTS: readonly SqlDialectName[] = ['postgres', 'mysql', 'sqlite'];

/** Names of indexes begin with the name of the table, and PostgreSQL silently cuts names after 63 bytes. */
const MAX_NAME_LENGTH = 48;

/** The barrier table of a database. */
export interface BarrierTable {
  /** Name of the dialect. */
  readonly dialectName: SqlDialectName;
  /** Statements of the dialect. */
  readonly dialect: SqlDialect;
  /** Checked name. */
  readonly name: BarrierTableName;
  /** Qualified and quoted name. */
  readonly quoted: string;
}

/**
 * Resolves the name of the barrier table.
 *
 * @param options - name of the table, as the user wrote it
 * @throws DtmConfigError when a name is not allowed, or the dialect is unknown
 */
export function barrierTable(dialectName: SqlDialectName, options: BarrierTableOptions = {}): BarrierTable {
  const dialect = DIALECTS.get(dialectName);
  if (!dialect) {
    throw new DtmConfigError(
      `the barrier does not support the SQL dialect "${dialectName}"; use one of ${SQL_DIALECTS.join(', ')}`,
    );
  }
  const { schema = dialect.defaultTable.schema, table = dialect.defaultTable.table } = options;
  if (schema !== '' && !dialect.hasSchemas) {
    throw new DtmConfigError(
      `barrier option schema is ${JSON.stringify(schema)}, but ${dialectName} has no schemas; use the option table`,
    );
  }
  const name = {
    schema: schema === '' ? '' : parseSqlName('barrier option schema', schema, MAX_NAME_LENGTH),
    table: parseSqlName('barrier option table', table, MAX_NAME_LENGTH),
  };
  return { dialectName, dialect, name, quoted: dialect.quote(name) };
}

/**
 * Returns the SQL script that creates the barrier table, for a migration: docs/protocol.md#barrier-table. Running
 * the script again changes nothing.
 *
 * @param dialect - `postgres`, `mysql` (also MariaDB) or `sqlite`
 * @param options - schema and table
 * @returns statements, each with `;` and a line break at its end
 * @throws DtmConfigError when a name is not allowed, or the dialect is unknown
 */
export function barrierTableSql(dialect: SqlDialectName, options?: BarrierTableOptions): string {
  const table = barrierTable(dialect, options);
  return table.dialect
    .ddl(table.name)
    .map((statement) => `${statement};\n`)
    .join('');
}
