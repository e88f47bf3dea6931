import type { BranchContext } from '../protocol/internal.js';

/** Identifies a branch. */
export type XaKey = Pick<BranchContext, 'gid' | 'branchId'>;

/** A branch that a database keeps prepared, neither committed nor rolled back. */
export interface InDoubtBranch extends XaKey {
  /** Seconds since the prepare, by the clock of the database; undefined when the database does not tell. */
  readonly ageSeconds: number | undefined;
}

/**
 * Runs the two phases of XA branches in a database. `pgXa` of `nestjs-dtm/xa/pg` and `mysql2Xa` of `nestjs-dtm/xa/mysql2`
 * create adapters.
 *
 * @typeParam Tx - connection of the database library
 */
export interface XaAdapter<Tx> {
  /**
   * First phase: does the work on a separate connection, and prepares it. Does nothing when the branch is already prepared
   * or committed.
   *
   * @param branch - the branch
   * @param work - business code; make all changes through the connection that it receives
   * @param register - called after the work and before the prepare: ensures that dtm calls the second phase
   * @returns the result of `work`; undefined when an earlier call did the work
   * @throws what `work` and `register` throw, unchanged, after the rollback
   * @throws DtmFailureError when the branch was rolled back before; DtmOngoingError while another first phase of it runs;
   *   DtmArgumentError when the ids do not fit into the database; DtmConfigError when the database does not allow XA
   * @throws DtmBarrierError when the database failed; the second phase finds out what happened
   */
  prepare<T>(branch: XaKey, work: (tx: Tx) => Promise<T>, register: () => Promise<void>): Promise<T | undefined>;
  /**
   * Second phase: commits a prepared branch. Does nothing when it is already committed.
   *
   * @throws DtmBarrierError when the branch is neither prepared nor committed, or the database failed
   */
  commit(branch: XaKey): Promise<void>;
  /**
   * Second phase: rolls a prepared branch back, and prevents a late first phase. Does nothing when it is already rolled back.
   *
   * @throws DtmOngoingError while the first phase is running; DtmBarrierError when the branch is committed, although dtm has
   *   not committed it, or the database failed
   */
  rollback(branch: XaKey): Promise<void>;
  /** Lists the branches of dtm that are prepared, and neither committed nor rolled back. */
  listInDoubt(): Promise<InDoubtBranch[]>;
  /** Creates schema, table and indexes of the barrier unless they exist. Several processes can call it at once. */
  createTable(): Promise<void>;
  /**
   * Reads from the barrier table.
   *
   * @throws DtmBarrierError that names the table and the remedy when the table cannot be read
   */
  assertTable?(): Promise<void>;
}
