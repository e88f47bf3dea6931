/**
 * The data of dtm that the other entries speak of: transactions, requests to a coordinator, records of a store, the context
 * and the outcome of a branch call, and the errors of the package. Nothing in here does I/O.
 *
 * @module nestjs-dtm/protocol
 */
export type { ApplicationBranches, InProcessBranchCall } from './branch/application-branches.js';
export { appendBranchQuery, readBranchQuery, type BranchContext } from './branch/branch-context.js';
export type {
  BranchHeaders,
  BranchHeadersCall,
  BranchHeadersSource,
  ComputedBranchHeaders,
} from './branch/branch-headers.js';
export type {
  BranchRegistration,
  TccBranchRegistration,
  WorkflowBranchRegistration,
  WorkflowOp,
  XaBranchRegistration,
} from './branch/branch-registration.js';
export type { CoordinatorLogger } from './coordinator-logger.js';
export type { DtmApi, DtmConnection, TransactionFilter } from './dtm-api.js';
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
  type DtmErrorBranch,
  type DtmErrorOptions,
  type DtmOutcomeErrorOptions,
} from './errors.js';
export type { ServerMethod } from './branch/branch-url.js';
export { SUCCESS_BODY, readHttpOutcome, writeHttpOutcome, type HttpAnswer } from './outcome/http-outcome.js';
export type { NotExecutedBranches } from './outcome/not-executed-branches.js';
export { errorOutcome, outcomeError, type Outcome, type UnsuccessfulOutcome } from './outcome/outcome.js';
export { payloadBytes, payloadText, type Payload } from './payload.js';
export type { KvPage, KvRecord } from './transaction/kv-record.js';
export type {
  BranchRecord,
  TransactionDetails,
  TransactionPage,
  TransactionRecord,
} from './transaction/transaction-record.js';
export type { StepUrls, TransactionOptions, TransactionRequest } from './transaction/transaction-request.js';
export {
  GLOBAL_STATUSES,
  TRANS_TYPES,
  isFinal,
  type BranchOp,
  type BranchStatus,
  type GlobalStatus,
  type Protocol,
  type TransType,
} from './vocabulary.js';
