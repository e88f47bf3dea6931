import { isFinal, type GlobalStatus, type TransactionDetails } from 'nestjs-dtm/protocol';
import { rowsOf, type ExpectedRow, type Plan } from '../scenarios/plan.js';

/** Everything observed about one transaction. */
export class TransactionHistory {
  readonly plan: Plan;
  /** The rows that the coordinator must store. */
  readonly rows: readonly ExpectedRow[];
  /** Durable state; undefined before the transaction is stored. */
  details: TransactionDetails | undefined;
  /** All states that were durable. */
  readonly statuses = new Set<GlobalStatus>();
  /** Branch operations that a coordinator has called, e.g. `01 action`. */
  readonly called = new Set<string>();
  /** Answers to coordinators, e.g. `01 action failure`. */
  readonly answers = new Set<string>();
  /** Branch operations that completed, with or without an effect. */
  readonly handled = new Set<string>();
  /** Amounts that branch operations added to balances. */
  readonly effects = new Map<string, number>();
  /** The local transaction was committed. */
  isCommittedLocally = false;
  /** An operator force-stopped the transaction: most invariants no longer apply. */
  isForceStopped = false;
  /** A repeated abort or an operator ended the lease of an active owner. */
  isLeaseStolen = false;
  /** An operator made the transaction due at once. */
  isWoken = false;
  /** Outcomes that the initiator learned. */
  readonly reportedOutcomes = new Set<'succeed' | 'failed'>();

  constructor(plan: Plan) {
    this.plan = plan;
    this.rows = rowsOf(plan);
  }

  get status(): GlobalStatus | undefined {
    return this.details?.transaction.status;
  }

  get isFinal(): boolean {
    return this.status !== undefined && isFinal(this.status);
  }

  /** The transaction waits for its initiator; nothing else may decide it. */
  get waitsForever(): boolean {
    if (this.status !== 'prepared') return false;
    if (this.plan.mode === 'msg') return !this.plan.hasQueryBack;
    return this.plan.mode === 'saga' && !this.plan.options.timeoutToFailSeconds;
  }

  /** Sum of all effects. */
  get net(): number {
    let net = 0;
    for (const amount of this.effects.values()) net += amount;
    return net;
  }
}

/** Key of a branch operation in sets and messages. */
export function branchKey(branchId: string, op: string): string {
  return `${branchId} ${op}`;
}
