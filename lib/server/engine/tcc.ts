import type { BranchRecord, TccBranchRegistration, TransactionRecord } from '../../protocol/index.js';
import { WAIT, isCallable, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';

/**
 * The rows of a TCC branch, in the order they are stored in (`dtm-protocol.md` §1.5).
 *
 * @param branch - what the initiator registered
 */
export function tccBranches(branch: TccBranchRegistration): BranchRecord[] {
  const row = { branchId: branch.branchId, payload: branch.payload, status: 'prepared' } as const;
  return [
    { ...row, op: 'cancel', url: branch.cancel },
    { ...row, op: 'confirm', url: branch.confirm },
  ];
}

/**
 * The state machine of a TCC transaction (`dtm-protocol.md` §5.5).
 *
 * @param defaultTimeoutSeconds - age at which it is rolled back while prepared, unless its options say otherwise
 */
export function tccMachine(defaultTimeoutSeconds: number): Machine {
  const timeoutOf = (transaction: TransactionRecord): number =>
    transaction.options.timeoutToFailSeconds || defaultTimeoutSeconds;
  return {
    deadline: (transaction) =>
      transaction.status === 'prepared' ? timeoutTime(transaction, timeoutOf(transaction)) : undefined,
    decide(pass, now) {
      const { transaction } = pass;
      switch (transaction.status) {
        case 'prepared': {
          const seconds = timeoutOf(transaction);
          if (now < transaction.createTime + seconds * 1000) return WAIT;
          return { kind: 'change', status: 'aborting', reason: `Timeout after ${seconds} seconds` };
        }
        case 'submitted':
          return phase2(pass, 'confirm', 'succeed');
        case 'aborting':
          return phase2(pass, 'cancel', 'failed');
        default:
          return WAIT;
      }
    },
  };
}

/** One branch at a time, in reverse order of registration; the first that does not succeed ends the pass. */
function phase2(pass: Pass, op: 'confirm' | 'cancel', end: 'succeed' | 'failed'): Decision {
  const next = pass.branches.findLastIndex((branch) => branch.op === op && branch.status !== 'succeed');
  if (next < 0) return { kind: 'change', status: end };
  return isCallable(pass, next) ? { kind: 'call', branches: [next] } : WAIT;
}
