/**
 * The SQL part of the barrier: the DDL of its table, and the way to build an adapter for another SQL library.
 *
 * @module nestjs-dtm/barrier/sql
 */
export { barrierTableSql } from './barrier-table.js';
export type { SqlDialectName } from './dialects/sql-dialect.js';
export { sqlBarrier } from './sql-barrier.js';
export type { SqlExecutor } from './sql-executor.js';
export type { BarrierTableOptions } from './barrier-table-name.js';
