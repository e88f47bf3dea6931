import type { BranchRecord } from '../../protocol/internal.js';

/**
 * Why a person should look at a transaction: one of its branches goes on answering failure to what must not fail.
 *
 * @param branches - of the transaction
 * @param failures - how many answers of that kind it takes
 * @returns undefined when there is no reason
 */
export function attentionReason(branches: readonly BranchRecord[], failures: number): string | undefined {
  const refusing = branches.find((branch) => branch.status === 'prepared' && (branch.failures ?? 0) >= failures);
  if (!refusing) return undefined;
  const { op, branchId, lastError = '' } = refusing;
  return `${op} of branch ${branchId} was refused ${refusing.failures} times: ${lastError}`;
}
