import { DtmConfigError, DtmStoreError } from '../../../protocol/internal.js';
import { resolveConnection, type ConnectionOptions } from '../sql/connection-options.js';
import type { OpenPool } from '../sql/pooled-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import { SqlStore } from '../sql/sql-store.js';
import type { Store } from '../store.js';
import { MysqlConnections } from './mysql-connections.js';
import { MysqlDatabase } from './mysql-database.js';
import { mysqlDialect } from './mysql-dialect.js';
import { migrateMysqlTables } from './mysql-layout.js';
import { openPool, type MysqlCallbackPool, type MysqlStorePool } from './mysql-pool.js';

/** Options of {@link mysqlStore}. */
export interface MysqlStoreOptions extends ConnectionOptions {
  /** A pool of mysql2 that the store uses and does not close. @default the store opens a pool */
  readonly pool?: MysqlStorePool | MysqlCallbackPool | undefined;
  /**
   * Time zone of the time columns, whose type has no time zone: an offset such as `+08:00`. A Go dtm on the same tables must
   * run in the same time zone (`TZ=UTC`, or `TimeZoneOffset`).
   *
   * @default '+00:00'
   */
  readonly timeZone?: string | undefined;
  /** Creates missing tables, and extends tables that Go dtm created, when the store is opened. @default true */
  readonly migrate?: boolean | undefined;
}

/**
 * A store in MySQL (8.0.17 or later) or MariaDB (10.6 or later), for any number of coordinators, on the tables of Go dtm:
 * either coordinator can finish what the other began.
 *
 * @param options - see {@link MysqlStoreOptions}
 * @throws DtmConfigError when an option is invalid; from `open()` when mysql2 is not installed
 *
 * @example
 * embeddedServer({ store: mysqlStore({ url: process.env.DTM_DATABASE_URL }) });
 */
export function mysqlStore(options: MysqlStoreOptions = {}): Store {
  const { migrate = true, timeZone = '+00:00' } = options;
  const pool = parsePool(options.pool);
  const connection = resolveConnection('mysqlStore', options, ['mysql:', 'mariadb:'], 3306);
  const { host, port, database, maxConnections, timeoutMs } = connection;
  const [parameter] = Object.keys(connection.parameters);
  if (parameter !== undefined)
    throw new DtmConfigError(`mysqlStore: the parameter ${parameter} of url is unknown; remove it`);
  const name = `mysql ${pool ? 'of the given pool' : `${host}:${port}`}, database ${database}`;
  const connect = async (): Promise<OpenPool<MysqlConnections>> => {
    if (pool) {
      return { connections: new MysqlConnections({ pool, isOwn: false, timeoutMs }), end: async () => undefined };
    }
    const own = await openPool(connection);
    return { connections: new MysqlConnections({ pool: own, isOwn: true, timeoutMs }), end: () => own.end() };
  };
  const open = async (): Promise<OpenPool<MysqlConnections>> => {
    const opened = await connect();
    try {
      if (migrate) await createDatabaseIfMissing(opened.connections, name, database);
      await migrateMysqlTables(name, opened.connections, database, migrate);
      return opened;
    } catch (error) {
      await opened.end();
      throw error;
    }
  };
  return new SqlStore(new MysqlDatabase({ name, maxConnections, open }, mysqlDialect(database, timeZone)));
}

function parsePool(pool: MysqlStoreOptions['pool']): MysqlStorePool | undefined {
  if (pool === undefined) return undefined;
  if (typeof (pool as Partial<MysqlCallbackPool> | null)?.promise === 'function') {
    return (pool as MysqlCallbackPool).promise();
  }
  if (typeof (pool as Partial<MysqlStorePool> | null)?.getConnection === 'function') return pool as MysqlStorePool;
  throw new DtmConfigError('mysqlStore: pool must be a pool of mysql2');
}

async function createDatabaseIfMissing(connections: MysqlConnections, name: string, database: string): Promise<void> {
  const [found] = await connections.query('select 1 from information_schema.schemata where schema_name = ?', [
    database,
  ]);
  if (found) return;
  const statement = `create database if not exists \`${database}\` default character set utf8mb4`;
  try {
    await connections.execute(statement);
  } catch (cause) {
    if (!(cause instanceof SqlFailure) || cause.kind !== 'refused') throw cause;
    throw new DtmStoreError(
      `${name}: the database does not exist or is not visible to this user, who cannot create it (${cause.message}); run there: ${statement}`,
      { cause },
    );
  }
}
