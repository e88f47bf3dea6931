/**
 * Barrier adapter for Kysely.
 *
 * @module nestjs-dtm/barrier/kysely
 */
export { kyselyBarrier, type KyselyBarrierOptions } from './kysely-barrier.js';
export type { BarrierTableOptions, SqlDialectName } from '../sql/index.js';
