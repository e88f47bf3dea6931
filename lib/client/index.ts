/**
 * Starts distributed transactions; usable without Nest.
 *
 * @module nestjs-dtm/client
 */
export { urlsOnly, type BranchLocator, type BranchRef, type PayloadArgument, type TccUrls } from './branch-ref.js';
export type { ClientDependencies, SubmitDependencies } from './dependencies.js';
export { grpcServer, type CallMetadata, type GrpcServerOptions } from './grpc-server.js';
export { httpServer, type HttpServerOptions } from './http-server.js';
export { jsonRpcServer, type JsonRpcServerOptions } from './json-rpc-server.js';
export { Msg } from './msg.js';
export type { MsgDependencies, MsgOptions, QueryPrepared } from './msg-options.js';
export type { GlobalOptions } from './options.js';
export { jsonPayloads, type PayloadCodec } from './payload-codec.js';
export type { PackageDefinition, ProtoFilesOptions } from './proto/load-protos.js';
export { protoPayloads } from './proto/proto-payloads.js';
export { Saga, type SagaOptions } from './saga.js';
export { serverOf, type ServerOfOptions } from './server-of.js';
export { Tcc, nestedTcc, runTcc, type TccOptions } from './tcc.js';
export {
  branchTransport,
  httpTransport,
  type BranchCall,
  type BranchTransportOptions,
  type GrpcOptions,
  type GrpcTls,
  type HttpRequesterOptions,
  type Transport,
} from '../transport/index.js';
export { Xa, runXa, type XaOptions } from './xa.js';
export { waitFor, type WaitForOptions } from './wait-for.js';
