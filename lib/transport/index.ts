export { addBranchHeaders } from './add-branch-headers.js';
export { branchTransport, type BranchTransportOptions } from './branch-transport.js';
export type { GrpcAnswer } from './grpc/grpc-channels.js';
export type { GrpcConnectionOptions } from './grpc/grpc-connection-options.js';
export { GrpcRequester, type GrpcRequest, type GrpcRequesterOptions } from './grpc/grpc-requester.js';
export type { GrpcTlsOptions } from './grpc/grpc-tls.js';
export { grpcTransport } from './grpc/grpc-transport.js';
export {
  HttpRequester,
  type HttpRequest,
  type HttpConnectionOptions,
  type HttpResponse,
} from './http/http-requester.js';
export { httpTransport } from './http/http-transport.js';
export { withApplication } from './in-process/with-application.js';
export { isOverHttp, type OutgoingBranchCall, type OutgoingBranchTarget, type Transport } from './transport.js';
