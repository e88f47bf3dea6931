/**
 * XA in PostgreSQL through node-postgres (`pg`).
 *
 * @module nestjs-dtm/xa/pg
 */
export type { PgClient, PgPool } from '../../barrier/pg/index.js';
export { pgXa } from './pg-xa.js';
export type { BarrierTableOptions } from '../../barrier/sql/index.js';
