/** Limits of the channels of gRPC. */
export interface GrpcConnectionOptions {
  /** Most servers that stay connected; beyond, one that has no call under way is left. @default 1024 */
  readonly maxServers?: number | undefined;
  /** A server that was not called for this long is left, at the latest after twice the time. @default 60 */
  readonly idleSeconds?: number | undefined;
  /** Most bytes of an answer; a larger one is an error. @default 4194304 (4 MiB) */
  readonly maxAnswerBytes?: number | undefined;
}
