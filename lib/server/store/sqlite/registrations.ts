import type { BranchRecord, TransType } from '../../../protocol/internal.js';
import type { AddBranchesResult, BranchLimits } from '../store.js';
import { decodeBranches, type GlobalRow } from './rows.js';
import type { Statements } from './statements.js';

/** A transaction that gets further branches. */
type RegistrationRow = Pick<GlobalRow, 'id' | 'trans_type' | 'status'> & {
  /** Number of its keys. */
  readonly count: number;
  /** Bytes of the branches that have keys. */
  readonly bytes: number;
  /** Highest position of a key. */
  readonly last_key: number | null;
  /** Position of the last registration. */
  readonly last_position: number | null;
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
  const row = findRegistration(statements, gid);
  if (row?.status !== 'prepared' || row.trans_type !== transType) return 'refused';
  const { id, count, bytes } = row;
  if (branches.some(({ branchId, op }) => statements.selectKey.get([id, branchId, op]) !== undefined))
    return 'duplicate';
  if (limits && count + branches.length > limits.maxBranches) return 'tooMany';
  if (limits && bytes + text.length > limits.maxBytes) return 'tooLarge';
  insertKeys(statements, id, branches, count, text.length);
  statements.insertBranches.run([id, count, text]);
  return 'added';
}

/** Reads a transaction with the keys of all its branches. */
function findRegistration(statements: Statements, gid: string): RegistrationRow | undefined {
  const row = statements.selectRegistration.get([gid]) as RegistrationRow | undefined;
  if (!row || row.status !== 'prepared' || (row.last_key ?? -1) >= (row.last_position ?? -1)) return row;
  addMissingKeys(statements, row.id);
  return statements.selectRegistration.get([gid]) as RegistrationRow;
}

/**
 * Adds the keys of branches that were created with their transaction, or registered by a version without keys: most
 * transactions never get further branches and need none.
 */
function addMissingKeys(statements: Statements, id: number): void {
  const keys = new Set(
    (statements.selectKeyPositions.all([id]) as { position: number }[]).map(({ position }) => position),
  );
  const rows = statements.selectPositionedBranches.all([id]) as { position: number; branches: string }[];
  for (const { position, branches } of rows) {
    if (!keys.has(position)) insertKeys(statements, id, decodeBranches(branches), position, branches.length);
  }
}

function insertKeys(
  statements: Statements,
  id: number,
  branches: readonly BranchRecord[],
  position: number,
  bytes: number,
): void {
  for (const [index, { branchId, op }] of branches.entries()) {
    statements.insertKey.run([id, branchId, op, position + index, index === 0 ? bytes : 0]);
  }
}
