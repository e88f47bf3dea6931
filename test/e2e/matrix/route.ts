import type { BranchRoute } from 'nestjs-dtm';

/** Transports from the initiator to the coordinator, and from the coordinator to the participants. */
export interface Route {
  readonly title: string;
  readonly api: 'in process' | 'http' | 'grpc' | 'json-rpc';
  readonly over: BranchRoute;
  /** dtm calls the branches over JSON-RPC where it supports that. */
  readonly isRpc?: boolean;
}
