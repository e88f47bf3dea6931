import { DtmConfigError, type StepUrls } from '../../protocol/internal.js';
import type { BranchRef, TccUrls } from './branch-ref.js';

/** Finds the URLs of branches that `branchOf()` references. */
export interface BranchLocator {
  /** URLs of a saga branch; throws DtmConfigError for any other branch. */
  getSagaUrls(ref: BranchRef): StepUrls;
  /** URLs of a TCC branch; throws DtmConfigError for any other branch. */
  getTccUrls(ref: BranchRef): TccUrls;
  /** URL of a branch that takes messages; throws DtmConfigError for any other branch. */
  getMsgUrl(ref: BranchRef): string;
  /**
   * Time-out of the calls of a branch in seconds; undefined when the branch declares none.
   *
   * @default no branch declares one
   */
  getRequestTimeoutSeconds?(ref: BranchRef): number | undefined;
  /** URL of an XA branch, for both phases; throws DtmConfigError for any other branch. */
  getXaUrl(ref: BranchRef): string;
}

/** Whether a branch is named by URLs. JavaScript may pass anything. */
export function hasKey<T extends object, K extends string>(
  branch: T,
  key: K,
): branch is Extract<T, Record<K, unknown>> {
  return typeof branch === 'object' && branch !== null && key in branch;
}

/** Locator without a framework: it knows no branch. */
export const unknownBranches: BranchLocator = {
  getSagaUrls: refuse,
  getTccUrls: refuse,
  getMsgUrl: refuse,
  getXaUrl: refuse,
};

function refuse(): never {
  throw new DtmConfigError(
    'only DtmService finds the URLs of a branch that is referenced by branchOf(); pass URLs instead',
  );
}
