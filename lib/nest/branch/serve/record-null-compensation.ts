import { BranchBarrier } from '../../../barrier/index.js';
import type { DatabaseRegistry } from '../../options/database-registry.js';
import { hasNotBegun } from './branch-method.js';
import { thrownOutcome } from './branch-outcome.js';
import type { IncomingBranchCall } from './incoming-branch-call.js';
import { RejectedCallException } from './rejected-call.exception.js';

/**
 * Ends a compensation or cancel that was refused before its method, when the barrier of its branch shows that the action never ran.
 * The row that the barrier stores also stops an action that comes later.
 *
 * @param error - what refused the call
 * @returns undefined when the branch names no barrier, or was not refused like this; otherwise undefined later, when there is
 *   nothing to undo, or the error to answer
 */
export function recordNullCompensation(
  error: unknown,
  call: IncomingBranchCall | undefined,
  databases: DatabaseRegistry,
): Promise<unknown> | undefined {
  if (!call || !hasNotBegun(call) || error instanceof RejectedCallException) return undefined;
  const { definition, context, inFlight } = call;
  const database = 'companionOf' in definition ? definition.barrier : undefined;
  if (database === undefined || thrownOutcome(error).kind !== 'failure') return undefined;
  return record(error);

  async function record(refusal: unknown): Promise<unknown> {
    try {
      inFlight.begin();
    } catch (shuttingDown) {
      return shuttingDown;
    }
    try {
      // the barrier runs the work only when the action ran
      await new BranchBarrier(context).call(databases.getBarrier(database!), async () => {
        throw refusal;
      });
      return undefined;
    } catch (thrown) {
      return thrown;
    } finally {
      inFlight.end();
    }
  }
}
