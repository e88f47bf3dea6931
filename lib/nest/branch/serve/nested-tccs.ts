import type { NestedTcc } from '../../../client/index.js';
import type { BranchContext } from '../../../protocol/internal.js';
import { processWide } from '../../../support/process-wide.js';

// keyed by the context of one request, which two applications never share
const nestedTccs = processWide('nestedTccs', () => new WeakMap<BranchContext, NestedTcc[]>());

/** Records a nested TCC for the try that began it. */
export function addNestedTcc(context: BranchContext, tcc: NestedTcc): void {
  const present = nestedTccs.get(context);
  if (present) present.push(tcc);
  else nestedTccs.set(context, [tcc]);
}

/**
 * Waits for all calls of the nested TCCs of a try.
 *
 * @throws the error of the first call that failed: its branch is registered, and a try that succeeded would confirm it
 */
export async function awaitNestedTccs(context: BranchContext): Promise<void> {
  const results = await Promise.allSettled((nestedTccs.get(context) ?? []).map((tcc) => tcc.waitForCalls()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Ids of the branches of the nested TCCs of a try that have nothing to undo. */
export function listNotExecuted(context: BranchContext): readonly string[] {
  return (nestedTccs.get(context) ?? []).flatMap(({ notExecuted }) => [...notExecuted]);
}
