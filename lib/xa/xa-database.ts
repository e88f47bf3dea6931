import type { BarrierAdapter } from '../barrier/index.js';
import type { InDoubtBranch, XaKey } from './xa-adapter.js';

/** What a connection finds when it is to begin a branch. */
export type XaStart = 'started' | 'prepared' | 'under way';

/** In what state a connection is given back. */
export type XaConnectionState = 'idle' | 'prepared' | 'unknown';

/** What can be decided about a prepared branch. */
export type XaDecision = 'commit' | 'rollback';

/**
 * What `sqlXa` needs of a database library. It only executes: the algorithm is not in here.
 *
 * @typeParam Tx - the library's connection
 */
export interface XaDatabase<Tx> {
  /** The pool that its connections come from. */
  readonly pool: object;
  /** Most connections of the pool. */
  readonly connections: number;
  /** The barrier table; its transactions wait for the locks of others only shortly, and then fail. */
  readonly barrier: BarrierAdapter<Tx>;
  /** Throws DtmArgumentError for ids that the database cannot hold, before anything is executed. */
  check(branch: XaKey): void;
  /** Takes a connection; throws DtmConfigError where the database is not set up for XA. */
  connect(): Promise<XaConnection<Tx>>;
  /** Commits or rolls back what is prepared, from any connection; false when nothing is prepared under these ids. */
  decide(branch: XaKey, decision: XaDecision): Promise<boolean>;
  /** Tells that a lock of another transaction was waited for in vain. */
  isLockTimeout(error: unknown): boolean;
  /** See `XaAdapter.listInDoubt`. */
  listInDoubt(): Promise<InDoubtBranch[]>;
}

/** A physical connection that does the work of one branch. */
export interface XaConnection<Tx> {
  /** The library's own connection. */
  readonly tx: Tx;
  /** Begins the branch, unless there is one with these ids: then the connection is left as it was. */
  start(branch: XaKey): Promise<XaStart>;
  /** Ends and prepares the branch; throws unless it is prepared for certain. */
  prepare(branch: XaKey): Promise<void>;
  /** Takes the branch back; throws unless the connection is free of it for certain. */
  rollback(branch: XaKey): Promise<void>;
  /**
   * Gives the connection back to the pool where it is clean, and throws it away where it is not; resolves when what is
   * prepared can be decided by other connections.
   */
  release(state: XaConnectionState): Promise<void>;
}
