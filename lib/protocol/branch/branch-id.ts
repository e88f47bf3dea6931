import { DtmArgumentError } from '../errors.js';

/** Most branches under one parent. */
export const MAX_BRANCHES_PER_PARENT = 99;

/** A parent id must be shorter than this. */
export const MAX_BRANCH_ID_LENGTH = 20;

/**
 * Makes the generator of branch ids under one parent: docs/protocol.md#branch-ids.
 *
 * @param parent - id of the parent branch; `''` at the root
 * @returns a function that gives the next id at each call, and throws DtmArgumentError at the 100th or when the parent
 *   is 20 characters long
 */
export function branchIds(parent: string = ''): () => string {
  let count = 0;
  return () => {
    if (count >= MAX_BRANCHES_PER_PARENT) {
      throw new DtmArgumentError(
        `branch id is larger than ${MAX_BRANCHES_PER_PARENT}: a parent has at most 99 branches`,
      );
    }
    if (parent.length >= MAX_BRANCH_ID_LENGTH) {
      throw new DtmArgumentError(
        `total branch id is longer than ${MAX_BRANCH_ID_LENGTH}: transactions are nested too deeply`,
      );
    }
    count += 1;
    return parent + stepBranchId(count);
  };
}

/**
 * Branch id of a saga or message step.
 *
 * @param number - number of the step, from 1; above 99 it is written as it is
 */
export function stepBranchId(number: number): string {
  return String(number).padStart(2, '0');
}
