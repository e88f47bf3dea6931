import { mayFail as mayBranchFail, type TransType } from '../../protocol/internal.js';

/**
 * Whether a failure of a call decides something. The coordinator calls no branches of a workflow, but the workflow itself,
 * which may always fail.
 *
 * @param transType - mode of the transaction
 * @param op - operation of the call; for a workflow the workflow's name
 */
export function mayFail(transType: TransType, op: string): boolean {
  return transType === 'workflow' || mayBranchFail(transType, op);
}
