import type { ProtoFile } from './proto-file.js';

/**
 * What the gRPC API of dtm lacks, offered by our coordinator beside it. The JSON is that of the HTTP API
 * (`dtm-protocol.md` §1.3): its parameters as an object of texts, and the body of its answer.
 */
export const OPERATOR_PROTO: ProtoFile = {
  name: 'nestjsdtm_operator.proto',
  package: 'nestjsdtm',
  services: {
    Operator: {
      methods: {
        Query: { requestType: 'OperatorRequest', responseType: 'OperatorReply' },
        All: { requestType: 'OperatorRequest', responseType: 'OperatorReply' },
        ForceStop: { requestType: 'OperatorRequest', responseType: 'OperatorReply' },
        RetryNow: { requestType: 'OperatorRequest', responseType: 'OperatorReply' },
        Version: { requestType: 'OperatorRequest', responseType: 'OperatorReply' },
      },
    },
  },
  messages: {
    OperatorRequest: { fields: { json: { type: 'string', id: 1 } } },
    OperatorReply: { fields: { json: { type: 'string', id: 1 } } },
  },
};
