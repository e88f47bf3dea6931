import { decodeWorkflowCall, type BranchRecord } from '../../protocol/internal.js';
import { assertBranchUrls } from './assert-branch-urls.js';
import type { Mode } from './mode.js';
import { INITIATOR, WAIT, callOnce } from './pass.js';
import { baseInterval } from './schedule.js';

/**
 * Workflow: the initiator runs it and records its progress here. The coordinator calls the initiator until it has submitted
 * the result: docs/protocol.md#workflow.
 */
export const workflow: Mode = {
  branches(request) {
    decodeWorkflowCall(request.customData);
    assertBranchUrls({ query_prepared: request.queryPrepared }, request.protocol);
    return [];
  },
  register(branch, now) {
    if (branch.transType !== 'workflow') return undefined;
    const { branchId, op, status, payload } = branch;
    return [{ branchId, op, url: '', payload, status, finishTime: now }];
  },
  machine: (transaction, _branchCount, settings) => {
    const call = decodeWorkflowCall(transaction.customData);
    return {
      // the first call of the initiator, whether it records progress or not
      deadline: ({ status, createTime, options }) =>
        status === 'prepared' ? createTime + baseInterval(options, settings) * 1000 : undefined,
      initiator: ({ queryPrepared = '' }): BranchRecord => ({
        branchId: '00',
        // the call carries the name of the workflow in place of an operation
        op: call.name as BranchRecord['op'],
        url: queryPrepared,
        payload: call.data,
        status: 'prepared',
      }),
      decide: (pass) =>
        pass.transaction.status === 'prepared' && pass.transaction.queryPrepared ? callOnce(pass, INITIATOR) : WAIT,
    };
  },
};
