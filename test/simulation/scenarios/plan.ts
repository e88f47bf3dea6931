import { stepBranchId, type TransactionOptions } from 'nestjs-dtm/protocol';

/** One branch: what it does to an account of a bank. */
export interface Transfer {
  readonly bank: number;
  readonly account: number;
  /** Added to the balance. */
  readonly amount: number;
  /** The bank refuses it for good. */
  readonly refuses: boolean;
}

interface CommonPlan {
  readonly gid: string;
  /** When its initiator begins, in simulated milliseconds. */
  readonly startMs: number;
  /** In the order of the branches. */
  readonly transfers: readonly Transfer[];
  readonly options: TransactionOptions;
  /** How often the initiator asks again when it got no answer. */
  readonly retries: number;
}

export interface SagaPlan extends CommonPlan {
  readonly mode: 'saga';
  readonly isConcurrent: boolean;
  /** Steps that must have succeeded before a step, by its index. */
  readonly orders: ReadonlyMap<number, readonly number[]>;
  /** Steps without an action or a compensation, by their index; they change nothing. */
  readonly hollow: ReadonlyMap<number, 'action' | 'compensate'>;
  /** Participants without barriers: nothing is moved, only the calls are looked at. */
  readonly isBare: boolean;
  /** Stored as prepared first. */
  readonly isPrepared: boolean;
}

export interface TwoPhasePlan extends CommonPlan {
  readonly mode: 'tcc' | 'xa';
  /** All first phases at once, rather than one after the other. */
  readonly isParallel: boolean;
  /** TCC: the initiator neither waits for the tries nor looks at what they answer. */
  readonly isCareless: boolean;
  /** The initiator changes its mind at the end. */
  readonly givesUp: boolean;
  /** What it does when it does not know whether its submit arrived. */
  readonly whenUnsure: 'nothing' | 'abort';
}

export interface MsgPlan extends CommonPlan {
  readonly mode: 'msg';
  /** What becomes of the initiator's own transaction; undefined = there is none, the message is submitted at once. */
  readonly local: 'commits' | 'refuses' | 'rolls back' | 'commits without answer' | undefined;
  /** The initiator can be asked. */
  readonly hasCheckBack: boolean;
  readonly isConcurrent: boolean;
  readonly delaySeconds: number;
  /** When the coordinator is told of the delay. */
  readonly delayToldAt: 'prepare' | 'submit' | 'both';
  /** Steps that go to a topic with so many subscribers, by their index. */
  readonly topics: ReadonlyMap<number, number>;
}

export interface WorkflowPlan extends CommonPlan {
  readonly mode: 'workflow';
}

/** What one initiator is going to do. */
export type Plan = SagaPlan | TwoPhasePlan | MsgPlan | WorkflowPlan;

/** Most subscribers of a topic. */
export const MOST_SUBSCRIBERS = 3;

/** Topic with so many subscribers: the first banks. */
export function topicOf(subscribers: number): string {
  return `payments-${subscribers}`;
}

/** Where a bank takes branch calls for an operation. */
export function bankUrl(bank: number, op: string): string {
  return `http://bank${bank}/${op}`;
}

/** Where the initiator of a transaction is asked, or called to go on. */
export function initiatorUrl(gid: string): string {
  return `http://initiator-${gid}/asked`;
}

/** What a participant is told. */
export interface TransferPayload {
  readonly account: number;
  readonly amount: number;
  readonly refuses: boolean;
  readonly isBare: boolean;
}

/** Payload of a branch. */
export function payloadOf({ account, amount, refuses }: Transfer, isBare = false): TransferPayload {
  return { account, amount, refuses, isBare };
}

/** A row that a coordinator should have for a transaction. */
export interface ExpectedRow {
  readonly branchId: string;
  readonly op: string;
  readonly url: string;
  readonly payload: string;
}

/** The rows of a plan once all its branches are known, in their order; empty for workflows, which store what was done. */
export function rowsOf(plan: Plan): readonly ExpectedRow[] {
  return plan.transfers.flatMap((transfer, index): ExpectedRow[] => {
    const branchId = stepBranchId(index + 1);
    const payload = JSON.stringify(payloadOf(transfer, plan.mode === 'saga' && plan.isBare));
    const row = (op: string, url = bankUrl(transfer.bank, op), id = branchId): ExpectedRow => ({
      branchId: id,
      op,
      url,
      payload,
    });
    switch (plan.mode) {
      case 'saga': {
        const hollow = plan.hollow.get(index);
        return (['compensate', 'action'] as const).map((op) => row(op, hollow === op ? '' : undefined));
      }
      case 'tcc':
        return [row('cancel'), row('confirm')];
      case 'xa':
        return ['rollback', 'commit'].map((op) => ({ ...row(op, bankUrl(transfer.bank, 'xa')), payload: '' }));
      case 'msg': {
        const subscribers = plan.topics.get(index) ?? 0;
        if (subscribers === 0) return [row('action')];
        return Array.from({ length: subscribers }, (_, bank) =>
          row('action', bankUrl(bank, 'action'), subscribers > 1 ? `${branchId}-${stepBranchId(bank + 1)}` : branchId),
        );
      }
      case 'workflow':
        return [];
    }
  });
}

/** What the initiator's own transaction of a message takes from its account, so that nothing is lost over all. */
export function localAmount(plan: MsgPlan): number {
  let amount = 0;
  for (const [index, transfer] of plan.transfers.entries()) amount -= transfer.amount * (plan.topics.get(index) ?? 1);
  return amount;
}
