/**
 * XA in MySQL and MariaDB through `mysql2`.
 *
 * @module nestjs-dtm/xa/mysql2
 */
export { mysql2Xa } from './mysql2-xa.js';
export type { Mysql2Connection, Mysql2Pool, Mysql2Statement } from '../../barrier/mysql2/index.js';
export type { BarrierTableOptions } from '../../barrier/sql/index.js';
