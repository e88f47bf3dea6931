import type { ProtoFile } from '../../protobuf/proto-file.js';

/** Message for requests and answers of branches without a .proto file: JSON in one field. */
export const BRANCH_PROTO: ProtoFile = {
  name: 'nestjsdtm.proto',
  package: 'nestjsdtm',
  messages: { Payload: { fields: { Json: { type: 'bytes', id: 1 } } } },
};
