import type { ProtoFile } from './proto-file.js';

/** What initiators of workflows serve, so that the coordinator can call them to go on (`dtm-protocol.md` §3.1). */
export const WORKFLOW_PROTO: ProtoFile = {
  name: 'workflow.proto',
  package: 'workflow',
  imports: ['google/protobuf/empty.proto'],
  services: {
    Workflow: { methods: { Execute: { requestType: 'WorkflowData', responseType: 'google.protobuf.Empty' } } },
  },
  messages: { WorkflowData: { fields: { Data: { type: 'bytes', id: 1 } } } },
};
