import type { BarrierAdapter } from '../barrier/index.js';
import type { InDoubtBranch, XaKey } from './xa-adapter.js';

/** State that a connection finds at the start of a branch. */
export type XaStart = 'started' | 'prepared' | 'under way';

/** State of a connection at its release. */
export type XaConnectionState = 'idle' | 'prepared' | 'unknown';

/** The end of a prepared branch. */
export type XaDecision = 'commit' | 'rollback';

/**
 * Runs the statements of XA with a database library. The algorithm is in `sqlXa`.
 *
 * @typeParam Tx - connection of the library
 */
export interface XaDatabase<Tx> {
  /** Pool of the connections. */
  readonly pool: object;
  /** Maximum number of connections of the pool. */
  readonly connections: number;
  /** The barrier. Its transactions fail after a short wait for a lock. */
  readonly barrier: BarrierAdapter<Tx>;
  /** Throws DtmArgumentError for ids that do not fit into the database, before any statement. */
  check(branch: XaKey): void;
  /** Takes a connection; throws DtmConfigError when the database does not allow XA. */
  connect(): Promise<XaConnection<Tx>>;
  /** Commits or rolls back a prepared branch on any connection; false when no branch with these ids is prepared. */
  decide(branch: XaKey, decision: XaDecision): Promise<boolean>;
  /** Whether an error means that a statement waited too long for a lock. */
  isLockTimeout(error: unknown): boolean;
  /** See `XaAdapter.listInDoubt`. */
  listInDoubt(): Promise<InDoubtBranch[]>;
}

/** A physical connection for the first phase of one branch. */
export interface XaConnection<Tx> {
  /** The connection of the library. */
  readonly tx: Tx;
  /** Begins the branch. When a branch with these ids exists, leaves the connection unchanged. */
  start(branch: XaKey): Promise<XaStart>;
  /** Ends and prepares the branch; throws unless the prepare is certain. */
  prepare(branch: XaKey): Promise<void>;
  /** Rolls the branch back; throws unless the rollback is certain. */
  rollback(branch: XaKey): Promise<void>;
  /**
   * Gives the connection back to the pool when it is clean, otherwise closes it. Resolves when other connections can decide
   * about the prepared branch.
   */
  release(state: XaConnectionState): Promise<void>;
}
