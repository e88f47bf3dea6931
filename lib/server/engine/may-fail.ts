import type { TransType } from '../../protocol/internal.js';

/**
 * Whether a failure of a call decides something: docs/protocol.md#calls-of-each-mode. Every other operation is called again, as
 * after an unknown outcome.
 *
 * @param transType - mode of the transaction
 * @param op - operation of the call; a workflow's callback has the workflow's name there
 */
export function mayFail(transType: TransType, op: string): boolean {
  if (transType === 'saga') return op === 'action';
  return transType === 'workflow' || (transType === 'msg' && op === 'msg');
}
