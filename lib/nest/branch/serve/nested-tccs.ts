import type { Tcc } from '../../../client/index.js';
import type { BranchContext } from '../../../protocol/internal.js';

// keyed by the context of one request, so that no two applications meet in it
const nested = new WeakMap<BranchContext, Tcc[]>();

/**
 * Remembers a nested TCC until the try that began it ends.
 *
 * @param context - what `@Branch()` gave the try
 * @param tcc - what continues the transaction
 */
export function addNestedTcc(context: BranchContext, tcc: Tcc): void {
  const others = nested.get(context);
  if (others) others.push(tcc);
  else nested.set(context, [tcc]);
}

/**
 * Waits for everything that nested TCCs of a try have called.
 *
 * @param context - of the try
 * @throws the first failed call's error: its branch is registered, so a try that succeeded would have it confirmed
 */
export async function awaitNestedTccs(context: BranchContext): Promise<void> {
  const results = await Promise.allSettled((nested.get(context) ?? []).map((tcc) => tcc.waitForCalls()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
