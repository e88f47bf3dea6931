/**
 * Starts distributed transactions; usable without Nest.
 *
 * @module nestjs-dtm/client
 */
export type { BranchLocator } from './branch/branch-locator.js';
export type { BranchRef, PayloadArgument, TccUrls } from './branch/branch-ref.js';
export { dtmClient, type DtmClientOptions } from './connection/dtm-client.js';
export { dtmGrpcClient, type DtmGrpcClientOptions, type GrpcCallMetadata } from './connection/dtm-grpc-client.js';
export { dtmHttpClient, type DtmHttpClientOptions } from './connection/dtm-http-client.js';
export { dtmJsonRpcClient, type DtmJsonRpcClientOptions } from './connection/dtm-json-rpc-client.js';
export { jsonPayloads, type PayloadCodec } from './payload/payload-codec.js';
export type { PackageDefinition, ProtoFilesOptions } from './payload/proto/load-protos.js';
export { protoPayloads } from './payload/proto/proto-payloads.js';
export type { InitiatorDependencies, TransactionDependencies } from './transactions/dependencies.js';
export type { GlobalTransactionOptions } from './transactions/global-transaction-options.js';
export type { InitiatorDrivenOptions } from './transactions/initiator-driven.js';
export type { MsgDependencies, MsgOptions, QueryPreparedEndpoint } from './transactions/msg-options.js';
export { Msg } from './transactions/msg.js';
export { Saga, type SagaOptions } from './transactions/saga.js';
export { nestedTcc, runTcc, type NestedTcc, type Tcc, type TccOptions } from './transactions/tcc.js';
export { waitFor, type WaitForOptions } from './transactions/wait-for.js';
export { runXa, type XaOptions, type XaTransaction } from './transactions/xa-transaction.js';
export {
  branchTransport,
  httpTransport,
  type BranchTransportOptions,
  type GrpcConnectionOptions,
  type GrpcTlsOptions,
  type HttpConnectionOptions,
  type OutgoingBranchCall,
  type OutgoingBranchTarget,
  type Transport,
} from '../transport/index.js';
