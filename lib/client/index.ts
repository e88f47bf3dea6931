/**
 * Starts distributed transactions; usable without Nest.
 *
 * @module nestjs-dtm/client
 */
export {
  urlsOnly,
  type BranchLocator,
  type BranchRef,
  type PayloadArgument,
  type TccUrls,
} from './branch/branch-ref.js';
export type { ClientDependencies, SubmitDependencies } from './transactions/dependencies.js';
export { dtmGrpcClient, type CallMetadata, type DtmGrpcClientOptions } from './connection/dtm-grpc-client.js';
export { dtmHttpClient, type DtmHttpClientOptions } from './connection/dtm-http-client.js';
export { dtmJsonRpcClient, type DtmJsonRpcClientOptions } from './connection/dtm-json-rpc-client.js';
export { Msg } from './transactions/msg.js';
export type { MsgDependencies, MsgOptions, QueryPrepared } from './transactions/msg-options.js';
export type { GlobalTransactionOptions } from './transactions/global-transaction-options.js';
export { jsonPayloads, type PayloadCodec } from './payload/payload-codec.js';
export type { PackageDefinition, ProtoFilesOptions } from './payload/proto/load-protos.js';
export { protoPayloads } from './payload/proto/proto-payloads.js';
export { Saga, type SagaOptions } from './transactions/saga.js';
export { dtmClient, type DtmClientOptions } from './connection/dtm-client.js';
export { Tcc, nestedTcc, runTcc, type TccOptions } from './transactions/tcc.js';
export {
  branchTransport,
  httpTransport,
  type OutgoingBranchCall,
  type BranchTransportOptions,
  type GrpcConnectionOptions,
  type GrpcTlsOptions,
  type HttpConnectionOptions,
  type Transport,
} from '../transport/index.js';
export { XaTransaction, runXa, type XaOptions } from './transactions/xa-transaction.js';
export { waitFor, type WaitForOptions } from './transactions/wait-for.js';
