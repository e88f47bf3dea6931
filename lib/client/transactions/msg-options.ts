import type { BarrierAdapter } from '../../barrier/index.js';
import type { Protocol } from '../../protocol/internal.js';
import type { SubmitDependencies } from './dependencies.js';
import type { GlobalTransactionOptions } from './global-transaction-options.js';

/** Options of a message. */
export interface MsgOptions extends GlobalTransactionOptions {
  /** Deliver to all steps at once instead of one after the other; not possible over a gRPC API. @default false */
  readonly concurrent?: boolean | undefined;
  /** Seconds between the beginning of the message and its delivery. @default 0 */
  readonly delaySeconds?: number | undefined;
  /**
   * URL at which the coordinator asks whether the local transaction committed, when it was told nothing in time.
   *
   * @default in Nest, the endpoint that the module mounts; elsewhere there is none, and a message can only be submitted
   */
  readonly queryPrepared?: string | undefined;
  /**
   * Told when a message could not be dropped after its local transaction had failed; the coordinator asks, and drops it,
   * when `timeoutToFailSeconds` is over.
   *
   * @default a process warning
   */
  readonly onAbortFailed?: ((error: unknown, gid: string) => void) | undefined;
}

/** What a message needs around it. */
export interface MsgDependencies extends SubmitDependencies {
  /**
   * Where the coordinator asks about local transactions in a database.
   *
   * @param adapter - the database
   * @param protocol - of the message; only one of gRPC is asked about over gRPC
   * @throws DtmConfigError when nobody would answer for it
   */
  readonly queryPrepared?: ((adapter: BarrierAdapter<unknown>, protocol: Protocol) => QueryPrepared) | undefined;
}

/** Where the coordinator asks what became of a local transaction. */
export interface QueryPrepared {
  /** URL, called as a branch is. */
  readonly url: string;
  /** Sent along, as all branch headers are. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
