import { isFinal, type GlobalStatus, type TransactionDetails } from 'nestjs-dtm/protocol';
import { rowsOf, type ExpectedRow, type Plan } from '../scenarios/plan.js';

/** Everything that has become known of one transaction. */
export class Life {
  readonly plan: Plan;
  /** What its rows must be. */
  readonly rows: readonly ExpectedRow[];
  /** What is durable; undefined before it is stored. */
  details: TransactionDetails | undefined;
  /** Every state that was durable. */
  readonly statuses = new Set<GlobalStatus>();
  /** Operations of branches (`01 action`) that some coordinator has called. */
  readonly called = new Set<string>();
  /** What coordinators were answered, e.g. `01 action failure`. */
  readonly answers = new Set<string>();
  /** Operations of branches that were worked off, with an effect or without. */
  readonly handled = new Set<string>();
  /** What operations of branches added to balances. */
  readonly effects = new Map<string, number>();
  /** The initiator's own transaction was committed. */
  isCommittedLocally = false;
  /** An operator stopped it: nothing is promised any more. */
  isForced = false;
  /** It was aborted once more while somebody worked on it: the lease went over without being given up. */
  isLeaseStolen = false;
  /** An operator had it tried at once. */
  isWoken = false;
  /** What its initiator believes. */
  readonly told = new Set<'succeed' | 'failed'>();

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

  /** It waits for its initiator, and nobody may decide in its place. */
  get waitsForever(): boolean {
    if (this.status !== 'prepared') return false;
    if (this.plan.mode === 'msg') return !this.plan.hasCheckBack;
    return this.plan.mode === 'saga' && !this.plan.options.timeoutToFailSeconds;
  }

  /** What all its effects come to. */
  get net(): number {
    let net = 0;
    for (const amount of this.effects.values()) net += amount;
    return net;
  }
}

/** An operation of a branch in sets and messages. */
export function branchKey(branchId: string, op: string): string {
  return `${branchId} ${op}`;
}
