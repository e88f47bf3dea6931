/**
 * Distributed transactions for NestJS on the DTM protocol.
 *
 * @module nestjs-dtm
 */
export { BranchBarrier, type BarrierAdapter, type BarrierContext } from './barrier/index.js';
export {
  Saga,
  Tcc,
  httpServer,
  type BranchRef,
  type GlobalOptions,
  type HttpServerOptions,
  type SagaOptions,
  type TccOptions,
  type TccUrls,
} from './client/index.js';
export { Barrier, Branch, BranchPayload } from './nest/branch/branch-params.decorator.js';
export { branchOf, type BranchOfOptions } from './nest/branch/branch-ref.js';
export { SagaBranch, type SagaBranchOptions } from './nest/branch/saga-branch.decorator.js';
export { TccAction, type TccActionOptions } from './nest/branch/tcc-action.decorator.js';
export { DtmModule } from './nest/dtm.module.js';
export type { DtmModuleAsyncOptions, DtmOptionsFactory } from './nest/dtm.module-definition.js';
export type { DtmDriverName, DtmEndpointOptions, DtmModuleOptions } from './nest/dtm.options.js';
export { DtmService } from './nest/dtm.service.js';
export {
  DtmArgumentError,
  DtmBarrierError,
  DtmBranchError,
  DtmConfigError,
  DtmConnectionError,
  DtmDuplicatedError,
  DtmError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  DtmStoreError,
  type BranchContext,
  type BranchOp,
  type BranchRecord,
  type BranchStatus,
  type DtmApi,
  type DtmErrorOptions,
  type DtmServer,
  type GlobalStatus,
  type StepUrls,
  type TransType,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionOptions,
  type TransactionPage,
  type TransactionRecord,
} from './protocol/index.js';
