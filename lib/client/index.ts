/**
 * Starts distributed transactions; usable without Nest.
 *
 * @module nestjs-dtm/client
 */
export { urlsOnly, type BranchLocator, type BranchRef, type PayloadArgument, type TccUrls } from './branch-ref.js';
export { httpServer, type HttpServerOptions } from './http-server.js';
export type { GlobalOptions } from './options.js';
export { Saga, type SagaOptions } from './saga.js';
export { Tcc, nestedTcc, runTcc, type TccDependencies, type TccOptions } from './tcc.js';
export { httpTransport, type BranchCall, type HttpRequesterOptions, type Transport } from '../transport/index.js';
