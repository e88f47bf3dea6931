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

/** State of a stored branch operation; only saga actions and workflow records can be `failed`. */
export type BranchStatus = 'prepared' | 'succeed' | 'failed';

/** Operation that a branch is asked for (`op`). */
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

/** How the coordinator calls the branches of a transaction; an empty text on the wire means `http`. */
export type Protocol = 'http' | 'grpc' | 'json-rpc';

/** Whether a value, e.g. of a request, is a transaction mode. */
export function isTransType(value: unknown): value is TransType {
  return (TRANS_TYPES as readonly unknown[]).includes(value);
}

/** Tells whether a transaction with this status has ended, i.e. never changes again. */
export function isFinal(status: GlobalStatus): boolean {
  return status === 'succeed' || status === 'failed';
}
