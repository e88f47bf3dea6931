import { isHttpUrl, type BranchContext, type Outcome, type Payload, type Protocol } from '../protocol/internal.js';

/** One call to a branch. */
export interface OutgoingBranchCall {
  /** Branch URL as the initiator gave it. */
  readonly url: string;
  /** Sent along so that the branch knows who calls, and for what. */
  readonly context: BranchContext;
  /** Body, sent verbatim; empty = none. */
  readonly payload: Payload;
  /** Added last, so that they win over the transport's own. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How the transaction's branches are called. @default 'http' */
  readonly protocol?: Protocol | undefined;
  /** Longest time for the whole call, in seconds. */
  readonly timeoutSeconds: number;
}

/** What of a call says whether it can be made at all. */
export type OutgoingBranchTarget = Pick<OutgoingBranchCall, 'url' | 'context' | 'headers' | 'protocol'>;

/**
 * The port "call this branch and say what came of it". It never throws for anything that happens on the way: a refused
 * connection, a timeout or an answer that is too large is an `unknown` outcome.
 */
export interface Transport {
  /** Calls a branch and reads the answer. */
  call(call: OutgoingBranchCall): Promise<Outcome>;
  /**
   * Refuses what no call could ever reach, so that it is not tried for ever. A transport without it takes everything.
   *
   * @param target - of the call
   * @throws DtmArgumentError saying what is wrong
   */
  check?(target: OutgoingBranchTarget): void;
  /**
   * Whether a branch is called over HTTP; any other is called over gRPC.
   *
   * @param url - of the branch
   * @default those with an http or https URL are
   */
  isOverHttp?(url: string): boolean;
  /** Closes idle connections and waits for calls under way. */
  close(): Promise<void>;
}

/**
 * Whether a branch is called over HTTP.
 *
 * @param url - of the branch
 * @param transport - calls it. @default knows http and https URLs only
 */
export function isOverHttp(url: string, transport: Pick<Transport, 'isOverHttp'> = {}): boolean {
  return isHttpUrl(url) || (transport.isOverHttp?.(url) ?? false);
}
