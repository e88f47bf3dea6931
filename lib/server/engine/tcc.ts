import { assertBranchUrls } from './assert-branch-urls.js';
import type { Mode } from './mode.js';
import { twoPhaseMachine } from './two-phase.js';

/** TCC: the initiator tries; the coordinator confirms or cancels, both in reverse order of registration. */
export const tcc: Mode = {
  branches: () => [],
  register: (branch) => {
    if (branch.transType !== 'tcc') return undefined;
    const { branchId, payload, confirm, cancel } = branch;
    // accepts gRPC URLs, too: `assertBranchCallable` checks them with the protocol of the transaction
    assertBranchUrls({ confirm, cancel }, 'grpc');
    const row = { branchId, payload, status: 'prepared' } as const;
    return [
      { ...row, op: 'cancel', url: cancel },
      { ...row, op: 'confirm', url: confirm },
    ];
  },
  machine: (_transaction, _branchCount, settings) =>
    twoPhaseMachine({ commit: 'confirm', rollback: 'cancel', order: 'reverse' }, settings.timeoutToFailSeconds),
};
