import { DtmStoreError } from '../../../protocol/internal.js';
import { ALTER_TIMEOUT_MS, columnDefinition, findLayoutGap, layoutMessage } from '../sql/layout.js';
import type { SqlSession } from '../sql/sql-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import type { MysqlConnections } from './mysql-connections.js';
import { COLLATIONS, mysqlTables, type MysqlTable } from './mysql-tables.js';

/** Longest wait, in seconds, for another coordinator that alters the tables. */
const MAX_LOCK_SECONDS = 3600;

/** Error numbers for denied access to a database, table, column or command. */
const ACCESS_DENIED = [1044, 1142, 1143, 1227];

/**
 * Creates missing tables, and extends tables that Go dtm created. Several coordinators may do so at the same time.
 *
 * @param name - name of the store
 * @param connections - open connections
 * @param database - checked name of the database
 * @param migrate - false = throw instead
 * @throws DtmStoreError with the statements when `migrate` is false or the user lacks the privilege; when the server is too
 *   old
 */
export async function migrateMysqlTables(
  name: string,
  connections: MysqlConnections,
  database: string,
  migrate: boolean,
): Promise<void> {
  const collation = await findCollation(name, connections);
  const statements = await missingStatements(connections, database, collation);
  if (statements.length === 0) return;
  if (!migrate) throw new DtmStoreError(layoutMessage(name, 'migrate is false', statements));
  try {
    await connections.withConnection(async (session) => {
      const lock = `nestjs-dtm ${database}`.slice(0, 64);
      const [row] = await session.query('select get_lock(?, ?) as locked', [lock, MAX_LOCK_SECONDS]);
      if (Number(row?.['locked']) !== 1)
        throw new DtmStoreError(`${name}: another coordinator is altering the tables; try again later`);
      try {
        // compared again under the lock: another coordinator may have altered the tables
        for (const statement of await missingStatements(session, database, collation)) await session.execute(statement);
      } finally {
        await session.query('select release_lock(?)', [lock]);
      }
    }, ALTER_TIMEOUT_MS);
  } catch (error) {
    const { errno } = (error instanceof SqlFailure ? (error.cause ?? {}) : {}) as { errno?: number };
    if (errno === undefined || !ACCESS_DENIED.includes(errno)) throw error;
    throw new DtmStoreError(layoutMessage(name, 'this user lacks the privilege', statements), { cause: error });
  }
}

/** Every supported server has one of the collations and `skip locked`. */
async function findCollation(name: string, session: Pick<SqlSession, 'query'>): Promise<string> {
  const [server] = await session.query('select version() as version');
  const version = String(server?.['version']);
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const isMariadb = /mariadb/i.test(version);
  const number = Number(major) * 100 + Number(minor);
  const rows = await session.query(
    `select collation_name as name from information_schema.collations where collation_name in (?, ?)`,
    COLLATIONS,
  );
  const collation = COLLATIONS.find((known) => rows.some((row) => row['name'] === known));
  if (number < (isMariadb ? 1006 : 800) || !collation) {
    throw new DtmStoreError(`${name}: the server is ${version}; use MySQL 8.0.17 or later, or MariaDB 10.6 or later`);
  }
  return collation;
}

/** SQL that creates or alters what is missing. */
async function missingStatements(
  session: Pick<SqlSession, 'query'>,
  database: string,
  collation: string,
): Promise<string[]> {
  const statements: string[] = [];
  const found = await session.query(
    `select table_name as \`table\`, column_name as name, column_type as type, collation_name as collation
     from information_schema.columns where table_schema = ?`,
    [database],
  );
  const keys = await session.query(
    'select table_name as `table`, index_name as name from information_schema.statistics where table_schema = ?',
    [database],
  );
  for (const table of mysqlTables(collation)) {
    const columns = new Map(
      found
        .filter((row) => row['table'] === table.name)
        .map((row) => [String(row['name']), `${String(row['type'])} ${String(row['collation'] ?? '')}`]),
    );
    const path = `\`${database}\`.${table.name}`;
    if (columns.size === 0) {
      statements.push(
        `create table if not exists ${path} (\n  ${tableDefinition(table).join(',\n  ')}\n) engine = InnoDB default character set utf8mb4`,
      );
      continue;
    }
    const { missing, narrow } = findLayoutGap(table, columns);
    const changes = [
      ...narrow.map((column) => `modify column ${columnDefinition(column)}`),
      ...missing.map((column) => `add column ${columnDefinition(column)}`),
      ...Object.entries(table.keys)
        .filter(([key]) => !keys.some((row) => row['table'] === table.name && row['name'] === key))
        .map(([, definition]) => `add ${definition}`),
    ];
    if (changes.length > 0) statements.push(`alter table ${path}\n  ${changes.join(',\n  ')}`);
  }
  return statements;
}

function tableDefinition({ columns, keys }: MysqlTable): string[] {
  return [
    'id bigint not null auto_increment',
    ...columns.map(columnDefinition),
    'primary key (id)',
    ...Object.values(keys),
  ];
}
