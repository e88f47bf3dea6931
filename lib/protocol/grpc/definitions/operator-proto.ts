import type { ProtoFile } from '../../protobuf/proto-file.js';

/**
 * Operations that the gRPC API of dtm lacks. Our coordinator serves them in addition to that API:
 * docs/protocol.md#operator-service.
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
