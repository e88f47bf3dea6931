import {
  DtmArgumentError,
  errorText,
  type BranchRecord,
  type DtmApi,
  type TransactionDetails,
} from '../protocol/internal.js';
import type { InDoubtBranch, XaAdapter } from './xa-adapter.js';
import type { XaDecision } from './xa-database.js';

/** Options of {@link resolveInDoubt}. */
export interface ResolveInDoubtOptions {
  /**
   * Age in seconds from which branches are resolved. Branches of unknown age are always resolved.
   *
   * @default 60
   */
  readonly olderThanSeconds?: number | undefined;
}

/** The outcome of a branch that was in doubt. */
export interface ResolvedBranch extends InDoubtBranch {
  /**
   * `committed`, `rolled back`: the branch has ended as the coordinator decided. `waiting`: the coordinator has not decided
   * yet. `unclear`: the coordinator cannot tell; decide by hand. `failed`: coordinator or database failed; try again.
   */
  readonly outcome: 'committed' | 'rolled back' | 'waiting' | 'unclear' | 'failed';
  /** Why the branch has not ended. */
  readonly reason?: string | undefined;
  /** Error of the coordinator or the database. */
  readonly error?: unknown;
}

/** Decision of the coordinator about a branch, or the reason why there is none. */
type Decision = XaDecision | Pick<ResolvedBranch, 'outcome' | 'reason'>;

/**
 * Ends branches that are in doubt: asks the coordinator about each branch, and commits or rolls back as the coordinator has
 * decided. It never guesses: when the coordinator does not know the transaction, the branch is only reported. You can run it
 * at any time and from several processes, also while dtm ends the same branch.
 *
 * @param adapter - the database
 * @param api - the coordinator
 * @param options - see {@link ResolveInDoubtOptions}
 * @returns the outcome of each branch that is old enough
 * @throws what {@link XaAdapter.listInDoubt} throws; DtmArgumentError when an option is not allowed
 */
export async function resolveInDoubt<Tx>(
  adapter: XaAdapter<Tx>,
  api: Pick<DtmApi, 'query'>,
  options: ResolveInDoubtOptions = {},
): Promise<ResolvedBranch[]> {
  const { olderThanSeconds = 60 } = options;
  if (!(olderThanSeconds >= 0)) {
    throw new DtmArgumentError(`olderThanSeconds must be a number, 0 or more, not ${String(olderThanSeconds)}`);
  }
  const resolved: ResolvedBranch[] = [];
  for (const branch of await adapter.listInDoubt()) {
    if (branch.ageSeconds === undefined || branch.ageSeconds >= olderThanSeconds) {
      resolved.push({ ...branch, ...(await resolve(adapter, api, branch)) });
    }
  }
  return resolved;
}

async function resolve<Tx>(
  adapter: XaAdapter<Tx>,
  api: Pick<DtmApi, 'query'>,
  branch: InDoubtBranch,
): Promise<Pick<ResolvedBranch, 'outcome' | 'reason' | 'error'>> {
  try {
    const decision = decide(branch, await api.query(branch.gid));
    if (typeof decision !== 'string') return decision;
    await adapter[decision](branch);
    return { outcome: decision === 'commit' ? 'committed' : 'rolled back' };
  } catch (error) {
    return { outcome: 'failed', reason: errorText(error), error };
  }
}

function decide({ branchId }: InDoubtBranch, details: TransactionDetails | undefined): Decision {
  if (!details) return unclear('the coordinator does not know the transaction');
  const { transaction, branches } = details;
  if (transaction.transType !== 'xa') return unclear(`the transaction of this gid is a ${transaction.transType}`);
  if (!branches.some((branch) => branch.branchId === branchId)) {
    return unclear('the branch is not registered with the coordinator');
  }
  switch (transaction.status) {
    case 'prepared':
      return { outcome: 'waiting', reason: 'the coordinator has not decided yet' };
    case 'submitted':
    case 'succeed':
      return 'commit';
    case 'aborting':
      return 'rollback';
    case 'failed':
      return branches.some(isCommitted)
        ? unclear('an operator stopped the transaction after it had committed a branch')
        : 'rollback';
  }
}

function isCommitted({ op, status }: BranchRecord): boolean {
  return op === 'commit' && status === 'succeed';
}

function unclear(reason: string): Decision {
  return { outcome: 'unclear', reason };
}
