/**
 * The sub-transaction barrier: one algorithm, and the port through which it reaches a database.
 *
 * @module nestjs-dtm/barrier
 */
export type { BarrierAdapter, BarrierKey, BarrierRow } from './barrier-adapter.js';
export { BranchBarrier, type BarrierContext } from './branch-barrier.js';
export { isMessageCommitted } from './is-message-committed.js';
