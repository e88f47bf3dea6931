import type { BranchRecord } from '../../protocol/internal.js';

/**
 * Why a transaction needs attention: a branch repeatedly answers failure to an operation that must not fail.
 *
 * @param branches - branches of the transaction
 * @param failures - failure answers from which the transaction needs attention
 * @returns undefined when there is no reason
 */
export function attentionReason(branches: readonly BranchRecord[], failures: number): string | undefined {
  const failing = branches.find((branch) => branch.status === 'prepared' && (branch.failures ?? 0) >= failures);
  if (!failing) return undefined;
  const { op, branchId, lastError = '' } = failing;
  return `${op} of branch ${branchId} was refused ${failing.failures} times: ${lastError}`;
}
