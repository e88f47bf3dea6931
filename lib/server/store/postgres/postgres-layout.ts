import { DtmStoreError } from '../../../protocol/internal.js';
import { ALTER_TIMEOUT_MS, columnDefinition, findLayoutGap, layoutMessage } from '../sql/layout.js';
import type { SqlSession } from '../sql/sql-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import type { PgConnections } from './pg-connections.js';
import { DUE_INDEX, POSTGRES_TABLES, type PostgresTable } from './postgres-tables.js';

/**
 * Creates missing tables, and extends tables that Go dtm created. Several coordinators may do so at the same time.
 *
 * @param name - name of the store
 * @param connections - open connections
 * @param schema - checked name of the schema
 * @param migrate - false = throw instead
 * @throws DtmStoreError with the statements when `migrate` is false or the user lacks the privilege
 */
export async function migratePostgresTables(
  name: string,
  connections: PgConnections,
  schema: string,
  migrate: boolean,
): Promise<void> {
  const statements = await missingStatements(connections, schema);
  if (statements.length === 0) return;
  if (!migrate) throw new DtmStoreError(layoutMessage(name, 'migrate is false', statements));
  try {
    await connections.transaction(async (session) => {
      await session.execute(`set local lock_timeout = '1min'`);
      await session.execute('set local statement_timeout = 0');
      await session.query('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`nestjs-dtm store ${schema}`]);
      // compared again under the lock: another coordinator may have altered the tables
      for (const statement of await missingStatements(session, schema)) await session.execute(statement);
    }, ALTER_TIMEOUT_MS);
  } catch (error) {
    const { code } = (error instanceof SqlFailure ? (error.cause ?? {}) : {}) as { code?: unknown };
    if (code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new DtmStoreError(layoutMessage(name, 'this user lacks the privilege', statements), { cause: error });
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** SQL that creates or alters what is missing. */
async function missingStatements(session: Pick<SqlSession, 'query'>, schema: string): Promise<string[]> {
  const statements: string[] = [];
  const [found] = await session.query('select 1 from pg_namespace where nspname = ?', [schema]);
  if (!found) statements.push(`create schema "${schema}"`);
  const columns = await findColumns(session, schema);
  const indexes = await session.query('select tablename, indexname from pg_indexes where schemaname = ?', [schema]);
  for (const table of POSTGRES_TABLES) {
    const existing = columns.get(table.name);
    if (existing) {
      const gap = findLayoutGap(table, existing);
      const changes = [
        ...gap.missing.map((column) => `add column ${columnDefinition(column)}`),
        ...gap.narrow.map(({ name, type }) => `alter column ${name} type ${type}`),
      ];
      if (changes.length > 0) statements.push(`alter table "${schema}".${table.name}\n  ${changes.join(',\n  ')}`);
    } else {
      statements.push(...createTable(table, schema));
    }
    for (const [index, definition] of Object.entries(table.indexes)) {
      const isThere = indexes.some(({ tablename, indexname }) => tablename === table.name && indexname === index);
      if (isThere || (existing && index !== DUE_INDEX)) continue;
      statements.push(`create index if not exists ${index} on "${schema}".${table.name} ${definition}`);
    }
  }
  return statements;
}

/** The sequence has the name that Go dtm gives it. */
function createTable({ name, columns, unique }: PostgresTable, schema: string): string[] {
  const definitions = [
    `id bigint not null default nextval('"${schema}".${name}_seq')`,
    ...columns.map(columnDefinition),
    'primary key (id)',
    unique,
  ];
  return [
    `create sequence if not exists "${schema}".${name}_seq`,
    `create table "${schema}".${name} (\n  ${definitions.join(',\n  ')}\n)`,
  ];
}

/** Types of the columns, e.g. `character varying(128)`, by table and column. */
async function findColumns(
  session: Pick<SqlSession, 'query'>,
  schema: string,
): Promise<Map<string, Map<string, string>>> {
  const rows = await session.query(
    `select c.relname as "table", a.attname as name, format_type(a.atttypid, a.atttypmod) as type
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ? and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`,
    [schema],
  );
  const tables = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const [table, name, type] = [row['table'], row['name'], row['type']] as [string, string, string];
    tables.set(table, (tables.get(table) ?? new Map<string, string>()).set(name, type));
  }
  return tables;
}
