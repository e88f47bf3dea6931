/**
 * Serves branches over gRPC in a Nest microservice; needs `@nestjs/microservices` and what it needs for gRPC.
 *
 * @module nestjs-dtm/grpc
 */
export { dtmGrpcOptions, type DtmGrpcOptions } from './grpc-options.js';
