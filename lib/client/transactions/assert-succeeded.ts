import {
  DtmFailureError,
  DtmOngoingError,
  branchReason,
  withoutAddresses,
  type BranchOp,
  type BranchRecord,
  type DtmErrorBranch,
  type TransactionDetails,
} from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';

/** Operations that a submitted transaction calls; a rollback calls the others. */
const FORWARD: ReadonlySet<BranchOp> = new Set(['action', 'confirm', 'commit']);

/**
 * Throws unless a transaction has succeeded.
 *
 * @param cause - error after which the state was read. @default none
 * @throws DtmFailureError with reason and failed branch when the transaction was rolled back; DtmOngoingError with the time
 *   of the next attempt when it is not finished
 */
export function assertSucceeded(details: TransactionDetails, cause?: unknown): void {
  const { gid, status } = details.transaction;
  if (status === 'succeed') return;
  const failed = details.branches.find((branch) => branch.status === 'failed');
  if (status !== 'failed') throw unfinishedError(details, failed, cause);
  const reason = rollbackReason(details, failed);
  throw new DtmFailureError(`transaction ${gid} was rolled back${nameOf(failed)}: ${reason ?? 'no reason was given'}`, {
    cause,
    gid,
    reason,
    branch: failed && errorBranch(failed),
  });
}

function unfinishedError(
  details: TransactionDetails,
  failed: BranchRecord | undefined,
  cause: unknown,
): DtmOngoingError {
  const { gid, status, nextCronTime } = details.transaction;
  const isRollingBack = status === 'aborting';
  const waiting = findWaiting(details);
  const branch = failed ?? waiting;
  const answer = wordsIn(waiting?.lastError && withoutAddresses(waiting.lastError));
  const reason = isRollingBack ? rollbackReason(details, failed) : answer;
  const nextAttempt = new Date(nextCronTime);
  const message = [
    `transaction ${gid} ${isRollingBack ? 'is being rolled back' : 'is not finished'}${nameOf(branch)}`,
    reason === undefined ? '' : `: ${reason}`,
    waiting?.heldBack ? `; calls of branch ${waiting.branchId} are held back until its target answers` : '',
    `; next attempt at ${nextAttempt.toISOString()}`,
  ].join('');
  return new DtmOngoingError(message, {
    cause,
    gid,
    reason,
    branch: branch && errorBranch(branch),
    nextAttempt,
    isRollingBack,
  });
}

/** The failed branch knows its own words, except in Go dtm. */
function rollbackReason({ transaction }: TransactionDetails, failed: BranchRecord | undefined): string | undefined {
  return wordsIn(failed?.lastError) ?? wordsIn(transaction.rollbackReason);
}

function wordsIn(text: string | undefined): string | undefined {
  return (text && branchReason(text)) || undefined;
}

/** The branch that a transaction waits for: one that was called, or else the first one that will be. */
function findWaiting({ transaction, branches }: TransactionDetails): BranchRecord | undefined {
  const isForward = transaction.status === 'submitted';
  if (!isForward && transaction.status !== 'aborting') return undefined;
  const open = branches.filter(({ status, op }) => status === 'prepared' && FORWARD.has(op) === isForward);
  return isForward ? (open.find(wasCalled) ?? open[0]) : open.findLast(wasCalled);
}

function wasCalled({ heldBack, attempts, lastError }: BranchRecord): boolean {
  return Boolean(heldBack ?? attempts ?? lastError);
}

function nameOf(branch: BranchRecord | undefined): string {
  return branch ? ` (${branch.op} of branch ${branch.branchId})` : '';
}

function errorBranch({ branchId, op, url }: BranchRecord): DtmErrorBranch {
  return { branchId, op, url: redactUrls(url) };
}
