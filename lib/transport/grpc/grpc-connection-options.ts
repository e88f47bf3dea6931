/** Limits of gRPC channels. */
export interface GrpcConnectionOptions {
  /** Maximum number of connected servers; beyond it, the connection of an idle server is closed. @default 1024 */
  readonly maxServers?: number | undefined;
  /** Seconds without a call after which a connection is closed, at the latest after twice the time. @default 60 */
  readonly idleSeconds?: number | undefined;
  /** Maximum size of an answer in bytes; a larger answer is an error. @default 4194304 (4 MiB) */
  readonly maxAnswerBytes?: number | undefined;
}
