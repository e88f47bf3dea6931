import type { TransType } from '../../protocol/internal.js';

/**
 * Whether the failure of a call decides something; everywhere else it is asked again like any unknown answer
 * (`dtm-protocol.md` §4.5).
 *
 * @param transType - mode of the transaction
 * @param op - operation of the call; a workflow's callback has the workflow's name there
 */
export function mayFail(transType: TransType, op: string): boolean {
  if (transType === 'saga') return op === 'action';
  return transType === 'workflow' || (transType === 'msg' && op === 'msg');
}
