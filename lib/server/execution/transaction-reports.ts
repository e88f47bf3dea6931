import { isFinal, type BranchRecord, type TransactionRecord } from '../../protocol/internal.js';
import { findRefusingBranch } from '../engine/attention-reason.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';

/** Logs that a person should look at a transaction. */
export function reportAttention(
  { logger, settings }: Pick<CoordinatorEnvironment, 'logger' | 'settings'>,
  transaction: TransactionRecord,
  branches: readonly BranchRecord[],
): void {
  const { gid, transType, status, attention } = transaction;
  const branch = findRefusingBranch(transaction, branches, settings.attentionAfterFailures);
  logger.error('transaction needs attention', { gid, transType, ...namesOf(branch), status, attention });
}

/** Logs that a transaction was rolled back, if it was. */
export function reportRollback(
  { logger }: Pick<CoordinatorEnvironment, 'logger'>,
  { gid, transType, status, rollbackReason }: TransactionRecord,
  branches: readonly BranchRecord[],
): void {
  if (!isFinal(status) || status === 'succeed') return;
  const branch = branches.find(
    (candidate) => candidate.status === 'failed' && rollbackReason?.includes(candidate.lastError ?? ''),
  );
  // the branch's own words, without its URL
  const reason = branch?.lastError || rollbackReason;
  logger.info('transaction was rolled back', { gid, transType, ...namesOf(branch), reason });
}

/** A branch in the log. */
function namesOf(branch: BranchRecord | undefined): Partial<Pick<BranchRecord, 'branchId' | 'op'>> {
  return branch ? { branchId: branch.branchId, op: branch.op } : {};
}
