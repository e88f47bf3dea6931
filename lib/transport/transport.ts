import { isHttpUrl, type BranchContext, type Outcome, type Payload, type Protocol } from '../protocol/internal.js';

/** A call that this process makes to a branch. */
export interface OutgoingBranchCall {
  /** URL of the branch, as the initiator wrote it. */
  readonly url: string;
  /** Transaction, branch and operation; sent with the call. */
  readonly context: BranchContext;
  /** Body, sent unchanged; empty for none. */
  readonly payload: Payload;
  /** Branch headers, which replace headers of the transport with the same name. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How the branches of the transaction are called. @default 'http' */
  readonly protocol?: Protocol | undefined;
  /** Time-out of the whole call in seconds. */
  readonly timeoutSeconds: number;
  /** Recovery makes the call. It does not wait for the calls of new transactions, nor they for it. @default false */
  readonly isRecovery?: boolean | undefined;
}

/** The part of a call that decides whether it is possible at all. */
export type OutgoingBranchTarget = Pick<OutgoingBranchCall, 'url' | 'context' | 'headers' | 'protocol'>;

/**
 * Calls branches. A failure of the network is not an error but an `unknown` outcome: a refused connection, a time-out, an
 * answer that is too large.
 */
export interface Transport {
  /** Calls a branch, and reads its answer as an outcome. */
  call(call: OutgoingBranchCall): Promise<Outcome>;
  /**
   * Refuses a branch that no call can reach, so that the coordinator does not retry it forever.
   *
   * @param target - the branch
   * @throws DtmArgumentError with the reason
   * @default nothing is refused
   */
  check?(target: OutgoingBranchTarget): void;
  /**
   * Whether a branch is called over HTTP, and not over gRPC.
   *
   * @param url - of the branch
   * @default true for http and https URLs
   */
  isOverHttp?(url: string): boolean;
  /** Waits for running calls, and closes the connections. */
  close(): Promise<void>;
}

/**
 * Whether a branch is called over HTTP.
 *
 * @param transport - calls the branch. @default one that knows http and https URLs only
 */
export function isOverHttp(url: string, transport: Pick<Transport, 'isOverHttp'> = {}): boolean {
  return isHttpUrl(url) || (transport.isOverHttp?.(url) ?? false);
}
