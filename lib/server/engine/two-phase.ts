import type { BranchOp, GlobalStatus, TransactionRecord } from '../../protocol/internal.js';
import { WAIT, callOnce, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';

/** What TCC and XA do differently. */
export interface TwoPhaseRules {
  /** Makes what the first phase prepared final. */
  readonly commit: BranchOp;
  /** Takes it back. */
  readonly rollback: BranchOp;
  /** Order of the branches, as they were registered or in reverse. */
  readonly order: 'forward' | 'reverse';
}

/**
 * The state machine of TCC and XA: docs/protocol.md#tcc-and-xa.
 *
 * @param rules - of the mode
 * @param defaultTimeoutSeconds - age at which it is rolled back while prepared, unless its options say otherwise
 */
export function twoPhaseMachine(rules: TwoPhaseRules, defaultTimeoutSeconds: number): Machine {
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
          return phase2(pass, rules.commit, rules.order, 'succeed');
        case 'aborting':
          return phase2(pass, rules.rollback, rules.order, 'failed');
        default:
          return WAIT;
      }
    },
  };
}

/** One branch at a time; the first that does not succeed ends the pass. */
function phase2(pass: Pass, op: BranchOp, order: TwoPhaseRules['order'], end: GlobalStatus): Decision {
  const isOpen = (branch: Pass['branches'][number]): boolean => branch.op === op && branch.status !== 'succeed';
  const next = order === 'forward' ? pass.branches.findIndex(isOpen) : pass.branches.findLastIndex(isOpen);
  return next < 0 ? { kind: 'change', status: end } : callOnce(pass, next);
}
