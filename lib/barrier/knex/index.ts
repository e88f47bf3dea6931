/**
 * Barrier adapter for Knex.
 *
 * @module nestjs-dtm/barrier/knex
 */
export { knexBarrier } from './knex-barrier.js';
export type { BarrierTableOptions } from '../sql/index.js';
