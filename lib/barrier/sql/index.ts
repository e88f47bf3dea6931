/**
 * The SQL of the barrier: the script of its table, and adapters for any SQL library.
 *
 * @module nestjs-dtm/barrier/sql
 */
export { barrierTableSql } from './barrier-table.js';
export type { SqlDialectName } from './dialects/sql-dialect.js';
export { sqlBarrier } from './sql-barrier.js';
export type { SqlExecutor } from './sql-executor.js';
export type { BarrierTableOptions } from './barrier-table-options.js';
