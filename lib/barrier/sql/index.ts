/**
 * The SQL part of the barrier: the DDL of its table, and the way to build an adapter for another SQL library.
 *
 * @module nestjs-dtm/barrier/sql
 */
export { barrierTableSql } from './barrier-table.js';
export type { SqlDialectName } from './dialect.js';
export { sqlBarrier } from './sql-barrier.js';
export type { SqlExecutor } from './sql-executor.js';
export type { BarrierTableOptions } from './table-name.js';
