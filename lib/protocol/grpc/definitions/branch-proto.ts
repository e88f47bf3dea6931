import type { ProtoFile } from '../../protobuf/proto-file.js';

/** The message that branches without a .proto of their own take and answer: JSON in one field. */
export const BRANCH_PROTO: ProtoFile = {
  name: 'nestjsdtm.proto',
  package: 'nestjsdtm',
  messages: { Payload: { fields: { Json: { type: 'bytes', id: 1 } } } },
};
