import { mayFail, type TransType } from '../../protocol/internal.js';

/**
 * Whether a call that fails decides the transaction, as a failed action or try does. The coordinator calls a workflow
 * itself, not its branches, and a workflow may always fail.
 *
 * @param op - operation of the call; for a workflow the workflow's name
 */
export function isFailureDecisive(transType: TransType, op: string): boolean {
  return transType === 'workflow' || mayFail(transType, op);
}
