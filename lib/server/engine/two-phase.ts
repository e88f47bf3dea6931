import type { BranchOp, GlobalStatus, TransactionRecord } from '../../protocol/internal.js';
import { WAIT, callOnce, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';

/** How TCC and XA differ. */
export interface TwoPhaseRules {
  /** Operation that makes the first phase final. */
  readonly commit: BranchOp;
  /** Operation that undoes the first phase. */
  readonly rollback: BranchOp;
  /** Order of the branches: as registered, or reverse. */
  readonly order: 'forward' | 'reverse';
}

/**
 * The state machine of TCC and XA: docs/protocol.md#tcc-and-xa.
 *
 * @param rules - how the mode differs
 * @param defaultTimeoutSeconds - age at which a prepared transaction is rolled back, unless its options set another time-out
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

/** Calls one branch at a time; the pass ends when one does not succeed. */
function phase2(pass: Pass, op: BranchOp, order: TwoPhaseRules['order'], end: GlobalStatus): Decision {
  const isOpen = (branch: Pass['branches'][number]): boolean => branch.op === op && branch.status !== 'succeed';
  const next = order === 'forward' ? pass.branches.findIndex(isOpen) : pass.branches.findLastIndex(isOpen);
  return next < 0 ? { kind: 'change', status: end } : callOnce(pass, next);
}
