import type { BranchRecord, TransType } from '../../../protocol/internal.js';
import type { AddBranchesResult, BranchLimits } from '../store.js';
import { decodeBranches, type GlobalRow } from './rows.js';
import type { Statements } from './statements.js';

/** A transaction that gets further branches. */
type RegistrationRow = Pick<GlobalRow, 'id' | 'trans_type' | 'status'> & {
  /** Number of its branches that have keys. */
  readonly count: number;
  /** Bytes of its branches. */
  readonly bytes: number;
};

/**
 * `Store.addBranches`. Compares keys, so that its time does not grow with the payloads of the other branches.
 *
 * @param text - the encoded branches
 */
export function addBranches(
  statements: Statements,
  gid: string,
  transType: TransType,
  branches: readonly BranchRecord[],
  text: string,
  limits: BranchLimits | undefined,
): AddBranchesResult {
  const row = statements.selectRegistration.get([gid]) as RegistrationRow | undefined;
  if (row?.status !== 'prepared' || row.trans_type !== transType) return 'refused';
  const { id } = row;
  const count = row.count + addMissingKeys(statements, id);
  if (branches.some(({ branchId, op }) => statements.selectKey.get([id, branchId, op]) !== undefined))
    return 'duplicate';
  if (limits && count + branches.length > limits.maxBranches) return 'tooMany';
  if (limits && row.bytes + text.length > limits.maxBytes) return 'tooLarge';
  insertKeys(statements, id, branches, count);
  statements.insertBranches.run([id, count, text]);
  return 'added';
}

/**
 * Adds the keys of branches that were created with their transaction, or registered by a version without keys: most
 * transactions never get further branches and need none.
 *
 * @returns number of the branches
 */
function addMissingKeys(statements: Statements, id: number): number {
  const rows = statements.selectWithoutKeys.all([id, id]) as { position: number; branches: string }[];
  let count = 0;
  for (const { position, branches: text } of rows) {
    const branches = decodeBranches(text);
    insertKeys(statements, id, branches, position);
    count += branches.length;
  }
  return count;
}

function insertKeys(statements: Statements, id: number, branches: readonly BranchRecord[], position: number): void {
  for (const [index, { branchId, op }] of branches.entries()) {
    statements.insertKey.run([id, branchId, op, position + index]);
  }
}
