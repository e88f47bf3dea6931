import type { ProtoFile } from '../../protobuf/proto-file.js';

const EMPTY = 'google.protobuf.Empty';

/** The gRPC API of dtm: docs/protocol.md#grpc-messages. */
export const DTM_PROTO: ProtoFile = {
  name: 'dtmgimp.proto',
  package: 'dtmgimp',
  imports: ['google/protobuf/empty.proto'],
  services: {
    Dtm: {
      methods: {
        NewGid: { requestType: EMPTY, responseType: 'DtmGidReply' },
        Submit: { requestType: 'DtmRequest', responseType: EMPTY },
        Prepare: { requestType: 'DtmRequest', responseType: EMPTY },
        Abort: { requestType: 'DtmRequest', responseType: EMPTY },
        RegisterBranch: { requestType: 'DtmBranchRequest', responseType: EMPTY },
        PrepareWorkflow: { requestType: 'DtmRequest', responseType: 'DtmProgressesReply' },
        Subscribe: { requestType: 'DtmTopicRequest', responseType: EMPTY },
        Unsubscribe: { requestType: 'DtmTopicRequest', responseType: EMPTY },
        DeleteTopic: { requestType: 'DtmTopicRequest', responseType: EMPTY },
      },
    },
  },
  messages: {
    DtmTransOptions: {
      fields: {
        WaitResult: { type: 'bool', id: 1 },
        TimeoutToFail: { type: 'int64', id: 2 },
        RetryInterval: { type: 'int64', id: 3 },
        BranchHeaders: { keyType: 'string', type: 'string', id: 5 },
        RequestTimeout: { type: 'int64', id: 6 },
        RetryLimit: { type: 'int64', id: 7 },
      },
      reserved: [[4, 4], 'PassthroughHeaders'],
    },
    DtmRequest: {
      fields: {
        Gid: { type: 'string', id: 1 },
        TransType: { type: 'string', id: 2 },
        TransOptions: { type: 'DtmTransOptions', id: 3 },
        CustomedData: { type: 'string', id: 4 },
        BinPayloads: { rule: 'repeated', type: 'bytes', id: 5 },
        QueryPrepared: { type: 'string', id: 6 },
        Steps: { type: 'string', id: 7 },
        ReqExtra: { keyType: 'string', type: 'string', id: 8 },
        RollbackReason: { type: 'string', id: 9 },
      },
    },
    DtmGidReply: { fields: { Gid: { type: 'string', id: 1 } } },
    DtmBranchRequest: {
      fields: {
        Gid: { type: 'string', id: 1 },
        TransType: { type: 'string', id: 2 },
        BranchID: { type: 'string', id: 3 },
        Op: { type: 'string', id: 4 },
        Data: { keyType: 'string', type: 'string', id: 5 },
        BusiPayload: { type: 'bytes', id: 6 },
      },
    },
    DtmProgressesReply: {
      fields: {
        Transaction: { type: 'DtmTransaction', id: 1, jsonName: 'transaction' },
        Progresses: { rule: 'repeated', type: 'DtmProgress', id: 2, jsonName: 'progresses' },
      },
    },
    DtmTransaction: {
      fields: {
        Gid: { type: 'string', id: 1, jsonName: 'gid' },
        Status: { type: 'string', id: 2, jsonName: 'status' },
        RollbackReason: { type: 'string', id: 3, jsonName: 'rollback_reason' },
        Result: { type: 'string', id: 4, jsonName: 'result' },
      },
    },
    DtmProgress: {
      fields: {
        Status: { type: 'string', id: 1, jsonName: 'status' },
        BinData: { type: 'bytes', id: 2, jsonName: 'bin_data' },
        BranchID: { type: 'string', id: 3, jsonName: 'branch_id' },
        Op: { type: 'string', id: 4, jsonName: 'op' },
      },
    },
    DtmTopicRequest: {
      fields: {
        Topic: { type: 'string', id: 1 },
        URL: { type: 'string', id: 2 },
        Remark: { type: 'string', id: 3 },
      },
    },
  },
};
