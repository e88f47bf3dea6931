import { DtmArgumentError } from '../../protocol/internal.js';
import { assertBranchUrls } from './assert-branch-urls.js';
import type { Mode } from './mode.js';
import { twoPhaseMachine } from './two-phase.js';

/** XA: participants prepare in their databases; the coordinator commits or rolls back, in order of registration. */
export const xa: Mode = {
  branches: () => [],
  register: (branch) => {
    if (branch.transType !== 'xa') return undefined;
    const { branchId, url } = branch;
    // an empty URL would count as success, and the prepared transaction would never end
    if (!url) throw new DtmArgumentError('url of an XA branch must not be empty', { gid: branch.gid });
    // accepts gRPC URLs, too: `assertBranchCallable` checks them with the protocol of the transaction
    assertBranchUrls({ url }, 'grpc');
    const row = { branchId, url, payload: '', status: 'prepared' } as const;
    return [
      { ...row, op: 'rollback' },
      { ...row, op: 'commit' },
    ];
  },
  machine: (_transaction, _branchCount, settings) =>
    twoPhaseMachine({ commit: 'commit', rollback: 'rollback', order: 'forward' }, settings.timeoutToFailSeconds),
};
