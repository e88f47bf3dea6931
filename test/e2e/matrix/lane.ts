/** How the initiator reaches the coordinator, and the coordinator the participants. */
export interface Lane {
  readonly title: string;
  readonly api: 'in process' | 'http' | 'grpc' | 'json-rpc';
  readonly over: 'http' | 'grpc';
  /** Branches are called by JSON-RPC where dtm does that. */
  readonly isRpc?: boolean;
}
