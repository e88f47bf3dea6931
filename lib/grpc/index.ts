/**
 * Serves branches over gRPC in a Nest microservice. Needs `@nestjs/microservices` and its packages for gRPC.
 *
 * @module nestjs-dtm/grpc
 */
export { dtmGrpcOptions, type DtmGrpcOptions } from './grpc-options.js';
