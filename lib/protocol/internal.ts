/**
 * The wire of dtm as data and pure functions, for the rooms of lib. Users import `nestjs-dtm/protocol`, which exports a part
 * of this.
 */
export * from './index.js';
export { APP_SCHEME } from './branch/application-branches.js';
export { RESERVED_PARAMETERS } from './branch/branch-context.js';
export { assertBranchHeaders, mergeBranchHeaders } from './branch/branch-headers.js';
export { createHttpHeaders } from './branch/http-headers.js';
export { branchIds, stepBranchId } from './branch/branch-id.js';
export { decodeBranchRegistration, encodeBranchRegistration } from './branch/branch-registration.js';
export { assertBranchUrl, assertHttpUrl, isHttpUrl, splitGrpcUrl } from './branch/branch-url.js';
export { mayFail } from './branch/may-fail.js';
export { errorText } from './error-text.js';
export { isError } from './is-error.js';
export { DTM_PROTO } from './grpc/definitions/dtm-proto.js';
export { OPERATOR_PROTO } from './grpc/definitions/operator-proto.js';
export { WORKFLOW_PROTO } from './grpc/definitions/workflow-proto.js';
export { decodeGenericPayload, encodeGenericPayload, isGenericMethod } from './grpc/generic-payload.js';
export {
  decodeBranchMessage,
  decodeTransactionMessage,
  encodeBranchMessage,
  encodeProgresses,
  encodeTransactionMessage,
  encodeWorkflowData,
  type DtmBranchRequestMessage,
  type DtmRequestMessage,
  type DtmTopicRequestMessage,
} from './grpc/grpc-messages.js';
export { branchMetadata, metadataError } from './grpc/grpc-metadata.js';
export { assertWholeNumber } from './assert-whole-number.js';
export { GRPC_STATUS, grpcStatusName } from './grpc/grpc-status.js';
export { MAX_ID_LENGTH, MAX_OP_LENGTH, parseGid, parseIdentifier } from './identifiers.js';
export { parseBoundedJson } from './bounded-json.js';
export { isJsonObject, jsonReader, type JsonReader } from './json-reader.js';
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
export {
  NOT_EXECUTED_TRAILER,
  readGrpcOutcome,
  writeGrpcError,
  writeGrpcOutcome,
  type GrpcError,
} from './outcome/grpc-outcome.js';
export { decodeNotExecutedTrailer, encodeNotExecutedTrailer } from './outcome/not-executed-branches.js';
export { decodeNotExecuted, encodeNotExecuted } from './transaction/not-executed.js';
export { readJsonRpcOutcome } from './outcome/json-rpc-outcome.js';
export { stringifyEscaped, stripOutcomeWord } from './outcome/outcome-words.js';
export { branchReason, withoutAddresses } from './outcome/reason.js';
export { encodeJson } from './payload.js';
export { messageCodec, type MessageCodec } from './protobuf/message-codec.js';
export {
  EMPTY_PROTO,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoMethod,
} from './protobuf/proto-file.js';
export { fullTypeName } from './protobuf/proto-names.js';
export { ProtoWriter } from './protobuf/proto-writer.js';
export { serviceMethods, type ServiceMethod } from './protobuf/service-methods.js';
export { findDifference } from './transaction/find-difference.js';
export { encodeKvRecord } from './transaction/kv-record.js';
export { decodeMsgPlan, encodeMsgPlan, type MsgPlan } from './transaction/msg-plan.js';
export {
  SEQUENTIAL,
  assertSagaPlan,
  decodeSagaPlan,
  encodeSagaPlan,
  predecessors,
  type SagaPlan,
} from './transaction/saga-plan.js';
export { redactTransaction } from './transaction/redact-transaction.js';
export { TOPIC_SCHEME } from './transaction/topic-url.js';
export { headerBytes, transactionBytes } from './transaction/transaction-bytes.js';
export {
  decodeBranchRecord,
  decodeTransactionRecord,
  encodeBranchRecords,
  encodeTransactionRecord,
} from './transaction/transaction-record.js';
export {
  decodeTransactionRequest,
  encodeTransactionRequest,
  decodeTransactionOptions,
  encodeTransactionOptions,
  parseProtocol,
} from './transaction/transaction-request.js';
export { decodeWorkflowCall, encodeWorkflowCall } from './transaction/workflow-call.js';
export { isTransType } from './vocabulary.js';
