import type { ApplicationBranches } from './branch/application-branches.js';
import type { BranchRegistration } from './branch/branch-registration.js';
import type { CoordinatorLogger } from './coordinator-logger.js';
import type { TransactionDetails, TransactionPage } from './transaction/transaction-record.js';
import type { TransactionRequest } from './transaction/transaction-request.js';
import type { GlobalStatus, Protocol, TransType } from './vocabulary.js';

/** Which transactions {@link DtmApi.all} lists; all given fields must match. */
export interface TransactionFilter {
  /** Only the transaction with this gid. @default any */
  readonly gid?: string | undefined;
  /** Only transactions in this state. @default any */
  readonly status?: GlobalStatus | undefined;
  /** Only transactions of this mode. @default any */
  readonly transType?: TransType | undefined;
  /** Only transactions that need attention, see `TransactionRecord.attention`. @default false */
  readonly attention?: boolean | undefined;
  /** Created at or after this time, UTC milliseconds. @default any */
  readonly createTimeStart?: number | undefined;
  /** Created at or before this time, UTC milliseconds. @default any */
  readonly createTimeEnd?: number | undefined;
  /** `nextPosition` of the page before; `''` for the first page. @default '' */
  readonly position?: string | undefined;
  /** Maximum number of transactions on a page. @default 100 */
  readonly limit?: number | undefined;
}

/**
 * The port to a coordinator: a remote dtm over HTTP, gRPC or JSON-RPC, or the embedded coordinator, called without a socket.
 *
 * Every operation throws `DtmFailureError` when the state of the transaction does not allow it (409), `DtmOngoingError` when
 * a call that waits for the result ends without one, or when the store of the coordinator fails and the transaction may be
 * stored (425), `DtmServerError` for other errors of the coordinator (500), and
 * `DtmConnectionError` when the coordinator does not answer. See docs/protocol.md#http-answers.
 */
export interface DtmApi {
  /**
   * Address under which participants reach the coordinator. An initiator passes it on to the branches that it calls itself.
   * Undefined while an embedded coordinator does not listen.
   */
  readonly address: string | undefined;
  /** How the coordinator calls the branches of a transaction that sets no protocol. */
  readonly protocol: Protocol;
  /** Creates a global id. */
  newGid(): Promise<string>;
  /** Stores a transaction without acting on it. Repeating the call changes nothing. */
  prepare(transaction: TransactionRequest): Promise<void>;
  /** Hands a transaction over: the coordinator brings it to its end from here on. */
  submit(transaction: TransactionRequest): Promise<void>;
  /** Rolls back a prepared TCC or XA transaction, or drops a prepared message. */
  abort(
    transaction: Pick<
      TransactionRequest,
      'gid' | 'transType' | 'rollbackReason' | 'requestTimeoutSeconds' | 'branchTimeoutSeconds' | 'reqExtra'
    >,
  ): Promise<void>;
  /** Adds a branch to a prepared transaction. */
  registerBranch(branch: BranchRegistration): Promise<void>;
  /** Finds a transaction with its branches; undefined when the gid is unknown. */
  query(gid: string): Promise<TransactionDetails | undefined>;
  /** Lists transactions page by page. */
  all(filter?: TransactionFilter): Promise<TransactionPage>;
  /** Sets an unfinished transaction to `failed` without calling anything. */
  forceStop(gid: string): Promise<void>;
  /** Makes an unfinished transaction due now, whatever it waits for. */
  retryNow(gid: string): Promise<void>;
  /** Subscribes a URL to a topic. */
  subscribe(topic: string, url: string, remark?: string): Promise<void>;
  /** Removes a URL from a topic. */
  unsubscribe(topic: string, url: string): Promise<void>;
  /** Deletes a topic with all its URLs. */
  deleteTopic(topic: string): Promise<void>;
  /** Tells the version of the coordinator. */
  version(): Promise<string>;
}

/** A {@link DtmApi} that is opened and closed. */
export interface DtmConnection extends DtmApi {
  /**
   * Whether the coordinators of other processes may work on the same transactions, because their store is on a database
   * server. @default false
   */
  readonly isShared?: boolean | undefined;
  /**
   * Gives an embedded coordinator the application around it, whose branches it then calls without a socket. Called before
   * {@link open}.
   *
   * @param application - the branches of the application
   * @param logger - receives the log of a coordinator that has no logger of its own
   * @throws DtmConfigError when the coordinator belongs to another application
   * @default the coordinator is another process, and cannot call branches inside this one
   */
  attach?(application: ApplicationBranches, logger: CoordinatorLogger): void;
  /** Acquires what the connection needs; throws when that fails. Operations may be called from here on. */
  open(): Promise<void>;
  /** Tells that this process accepts branch calls now: an embedded coordinator continues unfinished transactions. */
  recover(): void;
  /** Finishes work in progress or leaves it to the next start, and releases everything. Nothing acknowledged is lost. Idempotent. */
  close(): Promise<void>;
}
