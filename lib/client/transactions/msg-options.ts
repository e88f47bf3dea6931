import type { BarrierAdapter } from '../../barrier/index.js';
import type { Protocol } from '../../protocol/internal.js';
import type { TransactionDependencies } from './dependencies.js';
import type { GlobalTransactionOptions } from './global-transaction-options.js';

/** Options of a message. */
export interface MsgOptions extends GlobalTransactionOptions {
  /** Delivers to all steps in parallel instead of one after the other. The gRPC API of dtm does not support it. @default false */
  readonly concurrent?: boolean | undefined;
  /** Seconds between the prepare, or the submit, and the delivery. @default 0 */
  readonly delaySeconds?: number | undefined;
  /**
   * URL where the coordinator asks whether the local transaction committed, when no submit and no abort arrived in time.
   *
   * @default in Nest, the endpoint of the module; elsewhere none, and a message can only be submitted
   */
  readonly queryPrepared?: string | undefined;
  /**
   * Called when the local transaction has failed and the message could not be dropped. The coordinator makes the
   * query-back after `timeoutToFailSeconds`, and then drops the message.
   *
   * @default a process warning
   */
  readonly onAbortFailed?: ((error: unknown, gid: string) => void) | undefined;
}

/** Dependencies of a message. */
export interface MsgDependencies extends TransactionDependencies {
  /**
   * Finds the endpoint of the query-back about local transactions of a database.
   *
   * @param adapter - the database
   * @param protocol - of the message; an endpoint of gRPC needs `grpc`
   * @throws DtmConfigError when no endpoint serves the database
   * @default none: `MsgOptions.queryPrepared` is needed
   */
  readonly getQueryPrepared?:
    | ((adapter: BarrierAdapter<unknown>, protocol: Protocol) => QueryPreparedEndpoint)
    | undefined;
}

/** Where the coordinator asks whether a local transaction committed. */
export interface QueryPreparedEndpoint {
  /** URL, which is called like a branch. */
  readonly url: string;
  /** Headers of the call, added to the branch headers of the message. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
