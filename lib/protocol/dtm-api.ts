import type { BranchRegistration } from './branch/branch-registration.js';
import type { TransactionDetails, TransactionPage } from './transaction/transaction-record.js';
import type { TransactionRequest } from './transaction/transaction-request.js';
import type { GlobalStatus, Protocol, TransType } from './vocabulary.js';

/** Which transactions {@link DtmApi.all} lists; every field narrows. */
export interface TransactionFilter {
  /** Only this one. */
  readonly gid?: string | undefined;
  /** Only in this state. */
  readonly status?: GlobalStatus | undefined;
  /** Only of this mode. */
  readonly transType?: TransType | undefined;
  /** Only those that a person should look at, see `TransactionRecord.attention`. @default false */
  readonly attention?: boolean | undefined;
  /** Created at or after, UTC milliseconds. */
  readonly createTimeStart?: number | undefined;
  /** Created at or before, UTC milliseconds. */
  readonly createTimeEnd?: number | undefined;
  /** `nextPosition` of the page before. @default '' the first page */
  readonly position?: string | undefined;
  /** Most transactions on a page. @default 100 */
  readonly limit?: number | undefined;
}

/**
 * The port to a coordinator: a remote dtm over HTTP, or the embedded coordinator, called without a socket.
 *
 * Every operation throws `DtmFailureError` when the coordinator refuses it in the transaction's present state
 * (409), `DtmOngoingError` when a waiting call ends undecided (425), `DtmServerError` for its other errors
 * (500), and `DtmConnectionError` when no answer came.
 */
export interface DtmApi {
  /**
   * Address under which participants reach the coordinator, passed on to the branches that an initiator calls
   * itself; undefined while an embedded coordinator does not listen.
   */
  readonly address: string | undefined;
  /** How branches of transactions that are begun over it are called unless the transaction says otherwise. */
  readonly protocol: Protocol;
  /** A new global id. */
  newGid(): Promise<string>;
  /** Stores the transaction without acting on it; repeated, it does nothing. */
  prepare(transaction: TransactionRequest): Promise<void>;
  /** Hands the transaction over: from here on the coordinator brings it to its end. */
  submit(transaction: TransactionRequest): Promise<void>;
  /** Rolls a prepared TCC or XA transaction back, or drops a prepared message. */
  abort(transaction: Pick<TransactionRequest, 'gid' | 'transType' | 'rollbackReason'>): Promise<void>;
  /** Adds a branch to a prepared transaction. */
  registerBranch(branch: BranchRegistration): Promise<void>;
  /** State of a transaction; undefined when the gid is unknown. */
  query(gid: string): Promise<TransactionDetails | undefined>;
  /** Lists transactions page by page. */
  all(filter?: TransactionFilter): Promise<TransactionPage>;
  /** Sets an unfinished transaction to `failed` without calling anything. */
  forceStop(gid: string): Promise<void>;
  /** Makes an unfinished transaction due at once, whatever pause it is in. */
  retryNow(gid: string): Promise<void>;
  /** Subscribes a URL to a topic. */
  subscribe(topic: string, url: string, remark?: string): Promise<void>;
  /** Takes a URL out of a topic. */
  unsubscribe(topic: string, url: string): Promise<void>;
  /** Takes all URLs out of a topic. */
  deleteTopic(topic: string): Promise<void>;
  /** Version of the coordinator. */
  version(): Promise<string>;
}

/** A {@link DtmApi} with a life cycle. */
export interface DtmConnection extends DtmApi {
  /** Acquires what it needs; calls are accepted from here on. Throws when it cannot. */
  open(): Promise<void>;
  /** The process can now be reached by branch calls: an embedded coordinator begins to act on unfinished transactions. */
  recover(): void;
  /** Ends in order: what runs is finished or left for the next start, nothing acknowledged is lost. Idempotent. */
  close(): Promise<void>;
}
