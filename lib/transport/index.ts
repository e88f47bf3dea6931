export { branchTransport, type BranchTransportOptions } from './branch-transport.js';
export type { GrpcAnswer } from './grpc/grpc-channels.js';
export type { GrpcOptions } from './grpc/grpc-options.js';
export { GrpcRequester, type GrpcRequest, type GrpcRequesterOptions } from './grpc/grpc-requester.js';
export type { GrpcTls } from './grpc/grpc-tls.js';
export { grpcTransport } from './grpc/grpc-transport.js';
export {
  HttpRequester,
  type HttpRequest,
  type HttpRequesterOptions,
  type HttpResponse,
} from './http/http-requester.js';
export { httpTransport } from './http/http-transport.js';
export { isOverHttp, type BranchCall, type CallTarget, type Transport } from './transport.js';
