import type { TransType } from '../vocabulary.js';

/**
 * Whether a branch may refuse an operation: docs/protocol.md#calls-of-each-mode. A submitted message, and everything that
 * a first phase has promised, cannot be refused; such an operation is called again, as after an unknown outcome.
 */
export function mayFail(transType: TransType, op: string): boolean {
  return transType === 'msg' ? op === 'msg' : op === 'action' || op === 'try';
}
