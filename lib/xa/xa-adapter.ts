import type { BranchContext } from '../protocol/internal.js';

/** Which branch of which transaction. */
export type XaKey = Pick<BranchContext, 'gid' | 'branchId'>;

/** A branch that a database keeps prepared: nobody has said yet what becomes of it. */
export interface InDoubtBranch extends XaKey {
  /** For how many seconds, by the clock of the database; undefined when the database does not say. */
  readonly ageSeconds: number | undefined;
}

/**
 * What XA needs of a database. Adapters are made by `pgXa` of `nestjs-dtm/xa/pg` and `mysql2Xa` of
 * `nestjs-dtm/xa/mysql2`.
 *
 * @typeParam Tx - the library's connection
 */
export interface XaAdapter<Tx> {
  /**
   * Phase 1: does the work on a connection of its own, and prepares it. Where it was prepared, or committed, before, the
   * work is not done again.
   *
   * @param branch - the branch
   * @param work - business code; all its writes must go through the connection that it is given
   * @param register - called after the work, while everything can still be taken back: makes sure that phase 2 will come
   * @returns what the work returned; undefined when it was done before
   * @throws what `work` and `register` throw, unchanged, after the rollback
   * @throws DtmFailureError when the branch was rolled back before; DtmOngoingError while another phase 1 of it runs;
   *   DtmArgumentError when the database cannot hold the ids; DtmConfigError when the database is not set up for XA
   * @throws DtmBarrierError when the database failed: what became of it is said in phase 2
   */
  prepare<T>(branch: XaKey, work: (tx: Tx) => Promise<T>, register: () => Promise<void>): Promise<T | undefined>;
  /**
   * Phase 2: makes what was prepared final. Committing again does nothing.
   *
   * @throws DtmBarrierError when there is nothing to commit, and it was not committed before; when the database failed
   */
  commit(branch: XaKey): Promise<void>;
  /**
   * Phase 2: takes back what was prepared, and keeps a late phase 1 from beginning. Rolling back again does nothing.
   *
   * @throws DtmOngoingError while a phase 1 is still running; DtmBarrierError when the branch was committed by somebody
   *   else, or the database failed
   */
  rollback(branch: XaKey): Promise<void>;
  /** Branches that are prepared and not decided; those of dtm only. */
  listInDoubt(): Promise<InDoubtBranch[]>;
  /** Creates schema, table and indexes of the barrier unless they exist. Safe to run from several processes at once. */
  createTable(): Promise<void>;
}
