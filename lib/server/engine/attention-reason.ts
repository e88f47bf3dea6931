import type { BranchRecord, TransactionRecord, UnsuccessfulOutcome } from '../../protocol/internal.js';
import { isFailureDecisive } from './is-failure-decisive.js';

/** Whether an answer will be the same next time: a failure of what must not fail, or for example a 404. */
export function isRefusal(outcome: UnsuccessfulOutcome): boolean {
  return outcome.kind === 'failure' || (outcome.kind === 'unknown' && outcome.definite === true);
}

/**
 * Why a person should look at a transaction: one of the branches that it waits for goes on answering what waiting does not
 * change.
 *
 * @param failures - how many answers of that kind it takes
 * @returns undefined when there is no reason
 */
export function attentionReason(
  transaction: TransactionRecord,
  branches: readonly BranchRecord[],
  failures: number,
): string | undefined {
  const refusingBranch = findRefusingBranch(transaction, branches, failures);
  if (!refusingBranch) return undefined;
  const { op, branchId, lastError = '' } = refusingBranch;
  return refusalText(`${op} of branch ${branchId}`, refusingBranch.failures ?? 0, lastError);
}

/** The branch that {@link attentionReason} speaks of. */
export function findRefusingBranch(
  { transType, status }: TransactionRecord,
  branches: readonly BranchRecord[],
  failures: number,
): BranchRecord | undefined {
  // the actions of a transaction that is rolled back are not called any more
  const isWaitedFor = ({ op }: BranchRecord): boolean => status !== 'aborting' || !isFailureDecisive(transType, op);
  return branches.find(
    (branch) => branch.status === 'prepared' && (branch.failures ?? 0) >= failures && isWaitedFor(branch),
  );
}

/**
 * Says what was refused, and what an operator can do.
 *
 * @param what - names the call
 * @param count - number of refusals
 * @param answer - the last of them
 */
export function refusalText(what: string, count: number, answer: string): string {
  return `${what} was refused ${count} times: ${answer}; correct it and call resetNextCronTime, or end the transaction by forceStop`;
}
