import { DtmStoreError } from '../../../protocol/internal.js';
import { ALTER_TIMEOUT_MS, columnDefinition, findLayoutGap, layoutMessage } from '../sql/layout.js';
import type { SqlSession } from '../sql/sql-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import type { MysqlConnections } from './mysql-connections.js';
import { COLLATIONS, mysqlTables, type MysqlTable } from './mysql-tables.js';

/** Longest wait for another coordinator that alters the tables. */
const MAX_LOCK_SECONDS = 3600;

/** Access denied: to a database, a table, a column, a command. */
const ACCESS_DENIED = [1044, 1142, 1143, 1227];

/**
 * Makes the tables, or widens those that Go dtm made; nothing when they are as they should be. Several coordinators may
 * do so at the same time.
 *
 * @param name - of the store
 * @param connections - connected
 * @param database - of the tables; checked
 * @param isWanted - whether to do it
 * @throws DtmStoreError with the statements, when it is not wanted, or the user may not; when the server is too old
 */
export async function migrateMysqlTables(
  name: string,
  connections: MysqlConnections,
  database: string,
  isWanted: boolean,
): Promise<void> {
  const collation = await findCollation(name, connections);
  const statements = await missingStatements(connections, database, collation);
  if (statements.length === 0) return;
  if (!isWanted) throw new DtmStoreError(layoutMessage(name, 'migrate is false', statements));
  try {
    await connections.withConnection(async (session) => {
      const lock = `nestjs-dtm ${database}`.slice(0, 64);
      const [row] = await session.query('select get_lock(?, ?) as locked', [lock, MAX_LOCK_SECONDS]);
      if (Number(row?.['locked']) !== 1) throw new DtmStoreError(`${name}: another coordinator is altering its tables`);
      try {
        // another coordinator may have done it meanwhile
        for (const statement of await missingStatements(session, database, collation)) await session.execute(statement);
      } finally {
        await session.query('select release_lock(?)', [lock]);
      }
    }, ALTER_TIMEOUT_MS);
  } catch (error) {
    const { errno } = (error instanceof SqlFailure ? (error.cause ?? {}) : {}) as { errno?: number };
    if (errno === undefined || !ACCESS_DENIED.includes(errno)) throw error;
    throw new DtmStoreError(layoutMessage(name, 'this user may not', statements), { cause: error });
  }
}

/** Only servers that have one know `skip locked`, too. */
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
    throw new DtmStoreError(`${name}: needs MySQL 8.0.17 or MariaDB 10.6, or later; this is ${version}`);
  }
  return collation;
}

/** The statements that are missing. */
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
