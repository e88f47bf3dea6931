/**
 * Barrier adapter for mysql2, on MySQL and MariaDB.
 *
 * @module nestjs-dtm/barrier/mysql2
 */
export { mysql2Barrier } from './mysql2-barrier.js';
export type { Mysql2Connection, Mysql2Pool, Mysql2Statement } from './mysql2-pool.js';
export type { BarrierTableOptions } from '../sql/index.js';
