/**
 * Barrier adapter for TypeORM.
 *
 * @module nestjs-dtm/barrier/typeorm
 */
export { typeOrmBarrier } from './typeorm-barrier.js';
export type { BarrierTableOptions } from '../sql/index.js';
