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
    // an empty one would count as done, and what was prepared would stay prepared for ever
    if (!url) throw new DtmArgumentError('url of an XA branch must not be empty', { gid: branch.gid });
    // the coordinator knows the transaction's protocol, and checks with it
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
