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
   * Only branches that have been prepared for longer; those whose age the database does not know are looked at in any case.
   *
   * @default 60
   */
  readonly olderThanSeconds?: number | undefined;
}

/** What became of one branch that was in doubt. */
export interface ResolvedBranch extends InDoubtBranch {
  /**
   * `committed` and `rolled back`: done, as the coordinator had decided. `waiting`: the coordinator has not decided, and will.
   * `unclear`: the coordinator cannot say, a person has to. `failed`: coordinator or database failed, try again.
   */
  readonly outcome: 'committed' | 'rolled back' | 'waiting' | 'unclear' | 'failed';
  /** Why it is not done. */
  readonly reason?: string | undefined;
  /** What failed. */
  readonly error?: unknown;
}

/** What the coordinator says about a branch. */
type Verdict = XaDecision | Pick<ResolvedBranch, 'outcome' | 'reason'>;

/**
 * Ends branches that are prepared and that nobody has ended: asks the coordinator about each, and commits or rolls back what
 * it has decided. Never guesses: where the coordinator does not know a transaction, its branch is reported and left alone.
 * Safe to run at any time, and from several processes: dtm may be ending the same branch.
 *
 * @param adapter - the database
 * @param api - the coordinator
 * @param options - see {@link ResolveInDoubtOptions}
 * @returns what became of each branch that was old enough
 * @throws what {@link XaAdapter.listInDoubt} throws; DtmArgumentError when an option is not allowed
 */
export async function resolveInDoubt<Tx>(
  adapter: XaAdapter<Tx>,
  api: Pick<DtmApi, 'query'>,
  { olderThanSeconds = 60 }: ResolveInDoubtOptions = {},
): Promise<ResolvedBranch[]> {
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
    const verdict = verdictOn(branch, await api.query(branch.gid));
    if (typeof verdict !== 'string') return verdict;
    await adapter[verdict](branch);
    return { outcome: verdict === 'commit' ? 'committed' : 'rolled back' };
  } catch (error) {
    return { outcome: 'failed', reason: errorText(error), error };
  }
}

function verdictOn({ branchId }: InDoubtBranch, details: TransactionDetails | undefined): Verdict {
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
        ? unclear('the transaction was stopped by force after it had committed a branch')
        : 'rollback';
  }
}

function isCommitted({ op, status }: BranchRecord): boolean {
  return op === 'commit' && status === 'succeed';
}

function unclear(reason: string): Verdict {
  return { outcome: 'unclear', reason };
}
