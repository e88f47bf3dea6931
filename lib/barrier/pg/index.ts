/**
 * Barrier adapter for node-postgres (`pg`) and PGlite.
 *
 * @module nestjs-dtm/barrier/pg
 */
export type { PgClient, PgDatabase, PgPool, PgQueryable, PgResult } from './pg-client.js';
export { pgBarrier } from './pg-barrier.js';
export type { BarrierTableOptions } from '../sql/index.js';
