/**
 * The closed vocabularies of the wire: docs/protocol.md#vocabulary.
 */

/** Transaction modes, the values of `trans_type`. */
export const TRANS_TYPES = ['msg', 'saga', 'tcc', 'xa', 'workflow'] as const;

/** One of the five transaction modes (`trans_type`). */
export type TransType = (typeof TRANS_TYPES)[number];

/** States of a global transaction; `succeed` and `failed` are final. */
export const GLOBAL_STATUSES = ['prepared', 'submitted', 'aborting', 'succeed', 'failed'] as const;

/** State of a global transaction. */
export type GlobalStatus = (typeof GLOBAL_STATUSES)[number];

/** State of one stored branch operation; `failed` occurs for saga actions and workflow records only. */
export type BranchStatus = 'prepared' | 'succeed' | 'failed';

/** Operations that a branch can be asked for (`op`). */
export type BranchOp =
  | 'action'
  | 'compensate'
  | 'try'
  | 'confirm'
  | 'cancel'
  | 'commit'
  | 'rollback'
  | 'msg'
  | 'business';

/** How the coordinator calls the branches of a transaction; empty on the wire means `http`. */
export type Protocol = 'http' | 'grpc' | 'json-rpc';

/**
 * Tells whether a text is a transaction mode.
 *
 * @param text - any value, e.g. straight from a request
 */
export function isTransType(text: unknown): text is TransType {
  return (TRANS_TYPES as readonly unknown[]).includes(text);
}

/**
 * Tells whether a status is final, i.e. never changes again.
 *
 * @param status - status of a global transaction
 */
export function isFinal(status: GlobalStatus): boolean {
  return status === 'succeed' || status === 'failed';
}
