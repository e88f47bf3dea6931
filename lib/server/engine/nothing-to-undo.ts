import type { BranchRecord, Outcome } from '../../protocol/internal.js';
import type { Pass } from './pass.js';

// What refuses the payload of an action also refuses the payload of its compensation, so a rollback would never end. The
// compensation may be skipped only when no call can have executed the action, not even on an older version of the service that
// accepts the payload. Three facts together show this: the participant says that it refused the action before its method began;
// it was the only call of the action ever; and the compensation, which is always called, is refused in the same way.

/**
 * Whether the answer to an action shows that it was never executed. A coordinator that stopped may have called the action without
 * storing the attempt, so only the first pass knows that the call was the only one.
 */
export function isNotExecuted({ isFirst }: Pass, { attempts }: BranchRecord, outcome: Outcome): boolean {
  return isFirst === true && !attempts && outcome.kind === 'failure' && outcome.notExecuted === true;
}

/** Whether a refused compensation or cancel has nothing to undo. */
export function hasNothingToUndo({ notExecuted }: Pass, { op, branchId }: BranchRecord, outcome: Outcome): boolean {
  const isUndo = op === 'compensate' || op === 'cancel';
  const isRefused = outcome.kind === 'failure' && outcome.notExecuted === true;
  return isUndo && isRefused && notExecuted?.has(branchId) === true;
}

/** The record of a compensation or cancel that has nothing to undo. Lists every field, see `recordOutcome`. */
export function recordNothingToUndo(branch: BranchRecord, outcome: Outcome, now: number): BranchRecord {
  const { branchId, op, url, payload, failures } = branch;
  const attempts = (branch.attempts ?? 0) + 1;
  const refusal = outcome.kind === 'success' ? '' : outcome.message;
  const lastError = `nothing to undo, because the branch was never executed: ${refusal}`;
  return { branchId, op, url, payload, status: 'succeed', finishTime: now, attempts, failures, lastError };
}
