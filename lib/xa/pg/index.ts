/**
 * XA in PostgreSQL through node-postgres (`pg`).
 *
 * @module nestjs-dtm/xa/pg
 */
export { pgXa, type PgXaPool } from './pg-xa.js';
export type { BarrierTableOptions } from '../../barrier/sql/index.js';
