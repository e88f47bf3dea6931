/**
 * The sub-transaction barrier, which makes a branch idempotent, and the port to a database.
 *
 * @module nestjs-dtm/barrier
 */
export type { BarrierAdapter, BarrierKey, BarrierRow } from './barrier-adapter.js';
export { BranchBarrier, type BarrierContext } from './branch-barrier.js';
export type { ConnectionLimit } from './use-connection.js';
export { isMessageCommitted } from './is-message-committed.js';
