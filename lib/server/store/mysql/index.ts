/**
 * The coordinator's store in MySQL and MariaDB; needs the package `mysql2`.
 *
 * @module nestjs-dtm/server/store/mysql
 */
export type { ConnectionOptions } from '../sql/connection-options.js';
export type { MysqlCallbackPool, MysqlStatement, MysqlStoreConnection, MysqlStorePool } from './mysql-pool.js';
export { mysqlStore, type MysqlStoreOptions } from './mysql-store.js';
