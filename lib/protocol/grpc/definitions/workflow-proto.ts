import type { ProtoFile } from '../../protobuf/proto-file.js';

/** The service of an initiator of workflows, for calls of the coordinator: docs/protocol.md#workflow. */
export const WORKFLOW_PROTO: ProtoFile = {
  name: 'workflow.proto',
  package: 'workflow',
  imports: ['google/protobuf/empty.proto'],
  services: {
    Workflow: { methods: { Execute: { requestType: 'WorkflowData', responseType: 'google.protobuf.Empty' } } },
  },
  messages: { WorkflowData: { fields: { Data: { type: 'bytes', id: 1 } } } },
};
