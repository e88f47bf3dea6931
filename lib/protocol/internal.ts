/**
 * The wire of dtm as data and pure functions, for the rooms of lib. Users import `nestjs-dtm/protocol`, which exports a part
 * of this.
 */
export { assertBranchHeaders } from './branch/branch-headers.js';
export { MAX_BRANCHES_PER_PARENT, MAX_BRANCH_ID_LENGTH, branchIds, stepBranchId } from './branch/branch-id.js';
export {
  RESERVED_PARAMETERS,
  appendBranchQuery,
  readBranchQuery,
  type BranchContext,
} from './branch/branch-context.js';
export {
  decodeBranchRegistration,
  encodeBranchRegistration,
  type BranchRegistration,
  type TccBranchRegistration,
  type WorkflowBranchRegistration,
  type XaBranchRegistration,
} from './branch/branch-registration.js';
export { assertHttpUrl } from './branch/branch-url.js';
export { mayFail } from './branch/may-fail.js';
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
  DtmServerError,
  DtmStoreError,
  type DtmErrorOptions,
} from './errors.js';
export { errorText } from './error-text.js';
export { decodeGenericPayload, encodeGenericPayload, isGenericMethod } from './grpc/generic-payload.js';
export { messageCodec, type MessageCodec } from './protobuf/message-codec.js';
export {
  decodeBranchMessage,
  decodeTransactionMessage,
  encodeBranchMessage,
  encodeProgresses,
  encodeTransactionMessage,
  encodeWorkflowData,
  type DtmBranchRequestMessage,
  type DtmProgressesReplyMessage,
  type DtmRequestMessage,
  type DtmTopicRequestMessage,
  type DtmTransOptionsMessage,
} from './grpc/grpc-messages.js';
export { branchMetadata } from './grpc/grpc-metadata.js';
export { readGrpcOutcome, writeGrpcError, writeGrpcOutcome, type GrpcError } from './outcome/grpc-outcome.js';
export { fullTypeName } from './protobuf/proto-names.js';
export { ProtoWriter } from './protobuf/proto-writer.js';
export { serviceMethods, type ServiceMethod } from './protobuf/service-methods.js';
export { GRPC_STATUS, grpcStatusName } from './grpc/grpc-status.js';
export { assertBranchUrl, isHttpUrl, splitGrpcUrl, type ServerMethod } from './branch/branch-url.js';
export { MAX_ID_LENGTH, MAX_OP_LENGTH, parseGid, parseIdentifier } from './identifiers.js';
export { isJsonObject, jsonReader, parseJson, type JsonReader } from './json-reader.js';
export { SUCCESS_BODY, readHttpOutcome, writeHttpOutcome, type HttpAnswer } from './outcome/http-outcome.js';
export { readJsonRpcOutcome } from './outcome/json-rpc-outcome.js';
export { errorOutcome, outcomeError, type Outcome, type UnsuccessfulOutcome } from './outcome/outcome.js';
export { stringifyEscaped, stripOutcomeWord } from './outcome/outcome-words.js';
export { JSON_RPC_CODE } from './json-rpc/json-rpc-code.js';
export {
  decodeJsonRpcRequest,
  decodeJsonRpcResponse,
  encodeJsonRpcRequest,
  encodeJsonRpcResponse,
  type JsonRpcError,
  type JsonRpcRequest,
  type JsonRpcResponse,
} from './json-rpc/json-rpc-message.js';
export { encodeKvRecord, type KvPage, type KvRecord } from './transaction/kv-record.js';
export { decodeMsgPlan, encodeMsgPlan, type MsgPlan } from './transaction/msg-plan.js';
export { encodeJson, payloadBytes, payloadText, type Payload } from './payload.js';
export { BRANCH_PROTO } from './grpc/definitions/branch-proto.js';
export { DTM_PROTO } from './grpc/definitions/dtm-proto.js';
export { OPERATOR_PROTO } from './grpc/definitions/operator-proto.js';
export {
  EMPTY_PROTO,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoService,
} from './protobuf/proto-file.js';
export { WORKFLOW_PROTO } from './grpc/definitions/workflow-proto.js';
export {
  SEQUENTIAL,
  assertSagaPlan,
  decodeSagaPlan,
  encodeSagaPlan,
  predecessors,
  type SagaPlan,
} from './transaction/saga-plan.js';
export {
  decodeBranchRecord,
  decodeTransactionRecord,
  encodeBranchRecord,
  encodeTransactionRecord,
  type BranchRecord,
  type TransactionDetails,
  type TransactionPage,
  type TransactionRecord,
} from './transaction/transaction-record.js';
export {
  decodeTransactionRequest,
  encodeTransactionRequest,
  type StepUrls,
  decodeTransactionOptions,
  encodeTransactionOptions,
  type TransactionOptions,
  type TransactionRequest,
} from './transaction/transaction-request.js';
export { TOPIC_SCHEME } from './transaction/topic-url.js';
export { decodeWorkflowCall, encodeWorkflowCall, type WorkflowCall } from './transaction/workflow-call.js';
export {
  GLOBAL_STATUSES,
  TRANS_TYPES,
  isFinal,
  isTransType,
  type BranchOp,
  type BranchStatus,
  type GlobalStatus,
  type Protocol,
  type TransType,
} from './vocabulary.js';
