/**
 * Starts distributed transactions; usable without Nest.
 *
 * @module nestjs-dtm/client
 */
export { urlsOnly, type BranchLocator, type BranchRef, type PayloadArgument, type TccUrls } from './branch-ref.js';
export type { ClientDependencies } from './dependencies.js';
export { httpServer, type HttpServerOptions } from './http-server.js';
export type { GlobalOptions } from './options.js';
export { jsonPayloads, type PayloadCodec } from './payload-codec.js';
export { Saga, type SagaDependencies, type SagaOptions } from './saga.js';
export { Tcc, nestedTcc, runTcc, type TccOptions } from './tcc.js';
export {
  branchTransport,
  httpTransport,
  type BranchCall,
  type BranchTransportOptions,
  type HttpRequesterOptions,
  type Transport,
} from '../transport/index.js';
