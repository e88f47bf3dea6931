/**
 * Stores the transactions of the coordinator in MySQL or MariaDB. Needs the package `mysql2`.
 *
 * @module nestjs-dtm/server/store/mysql
 */
export type { ConnectionOptions } from '../sql/connection-options.js';
export type { MysqlCallbackPool, MysqlStatement, MysqlStoreConnection, MysqlStorePool } from './mysql-pool.js';
export { mysqlStore, type MysqlStoreOptions } from './mysql-store.js';
