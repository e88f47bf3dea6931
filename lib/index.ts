/**
 * Distributed transactions for NestJS on the DTM protocol.
 *
 * @module nestjs-dtm
 */
export { BranchBarrier, type BarrierAdapter, type BarrierContext } from './barrier/index.js';
export {
  Msg,
  Saga,
  dtmGrpcClient,
  dtmHttpClient,
  dtmJsonRpcClient,
  type BranchRef,
  type GlobalTransactionOptions,
  type DtmGrpcClientOptions,
  type DtmHttpClientOptions,
  type DtmJsonRpcClientOptions,
  type MsgOptions,
  type ProtoFilesOptions,
  type SagaOptions,
  type Tcc,
  type TccOptions,
  type TccUrls,
  type WaitForOptions,
  type XaTransaction,
  type XaOptions,
} from './client/index.js';
export type { DriverRegistration, DtmDriver, HttpDestination } from './driver/index.js';
export { Barrier, Branch, Xa } from './nest/branch/declare/branch-parameters.decorator.js';
export {
  BranchPayload,
  type BranchPayloadOptions,
  type PayloadPipe,
  type WithPayload,
} from './nest/branch/declare/branch-payload.decorator.js';
export type { BranchRouteOptions } from './nest/branch/declare/define-branch.js';
export { MsgBranch } from './nest/branch/declare/msg-branch.decorator.js';
export { SagaBranch, type SagaBranchOptions } from './nest/branch/declare/saga-branch.decorator.js';
export { TccAction, type TccActionOptions } from './nest/branch/declare/tcc-action.decorator.js';
export { XaBranch, type XaBranchOptions } from './nest/branch/declare/xa-branch.decorator.js';
export type {
  BranchHandler,
  HandlerPayload,
  HandlerResult,
  MethodName,
  WithCompanions,
} from './nest/branch/definition/handler-types.js';
export type { ConvertedFrom, PayloadInput, PayloadOf } from './nest/branch/definition/payload-of.js';
export { isDtmBranch } from './nest/branch/definition/is-dtm-branch.js';
export { branchOf, type BranchOfOptions } from './nest/branch/discover/branch-of.js';
export { DtmExceptionFilter, type DtmExceptionFilterOptions } from './nest/dtm-exception.filter.js';
export { DtmModule } from './nest/dtm.module.js';
export {
  DTM_OPTIONS,
  type DtmModuleAsyncOptions,
  type DtmModuleExtras,
  type DtmOptionsFactory,
} from './nest/dtm.module-definition.js';
export { DtmService } from './nest/dtm.service.js';
export type {
  BranchRoute,
  DtmDatabaseOptions,
  DtmEndpointOptions,
  DtmModuleOptions,
  DtmRegisterOptions,
} from './nest/options/dtm.options.js';
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
  DtmOutcomeError,
  DtmServerError,
  DtmStoreError,
  type BranchContext,
  type BranchHeaders,
  type BranchHeadersCall,
  type BranchHeadersSource,
  type ComputedBranchHeaders,
  type BranchOp,
  type BranchRecord,
  type BranchStatus,
  type DtmApi,
  type DtmErrorBranch,
  type DtmErrorOptions,
  type DtmOutcomeErrorOptions,
  type DtmConnection,
  type GlobalStatus,
  type StepUrls,
  type TransType,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionOptions,
  type TransactionPage,
  type TransactionRecord,
} from './protocol/internal.js';
export type { XaAdapter, XaParticipant } from './xa/index.js';
