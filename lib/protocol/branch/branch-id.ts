import { DtmArgumentError } from '../errors.js';

/** Maximum number of branches under one parent. */
export const MAX_BRANCHES_PER_PARENT = 99;

/** An id must be shorter than this to have branches below it. */
export const MAX_BRANCH_ID_LENGTH = 20;

/**
 * Creates a generator of branch ids under one parent: docs/protocol.md#branch-ids.
 *
 * @param parent - id of the parent branch; `''` at the root
 * @returns a function that returns the next id; it throws DtmArgumentError at the 100th call, or when the parent has 20
 *   characters
 */
export function branchIds(parent: string = ''): () => string {
  let count = 0;
  return () => {
    if (count >= MAX_BRANCHES_PER_PARENT) {
      throw new DtmArgumentError(
        `the branch cannot be added: a parent has at most ${MAX_BRANCHES_PER_PARENT} branches; begin another transaction`,
      );
    }
    if (parent.length >= MAX_BRANCH_ID_LENGTH) {
      throw new DtmArgumentError(
        `the branch cannot be added: the id of its parent has ${MAX_BRANCH_ID_LENGTH} characters; nest transactions less deeply`,
      );
    }
    count += 1;
    return parent + stepBranchId(count);
  };
}

/**
 * Id of the branch of a saga or message step.
 *
 * @param number - number of the step, from 1; above 99 it is not padded
 */
export function stepBranchId(number: number): string {
  return String(number).padStart(2, '0');
}
