import type { TransactionOptions } from 'nestjs-dtm/protocol';
import { stepBranchId } from '../../../lib/protocol/internal.js';

/** A branch: its change to an account of a bank. */
export interface Transfer {
  readonly bank: number;
  readonly account: number;
  /** Amount that is added to the balance. */
  readonly amount: number;
  /** The bank refuses the transfer permanently. */
  readonly refuses: boolean;
}

interface CommonPlan {
  readonly gid: string;
  /** Start of the initiator, in simulated milliseconds. */
  readonly startMs: number;
  /** In the order of the branches. */
  readonly transfers: readonly Transfer[];
  readonly options: TransactionOptions;
  /** Retries of the initiator after a request without an answer. */
  readonly retries: number;
}

export interface SagaPlan extends CommonPlan {
  readonly mode: 'saga';
  readonly isConcurrent: boolean;
  /** Predecessors of each step, by index. */
  readonly orders: ReadonlyMap<number, readonly number[]>;
  /** Steps without an action or without a compensation, by index; they change no balance. */
  readonly omitted: ReadonlyMap<number, 'action' | 'compensate'>;
  /** The participants use no barrier: they move no money; only their calls are checked. */
  readonly skipsBarrier: boolean;
  /** The initiator prepares the saga before it submits. */
  readonly isPrepared: boolean;
}

export interface TwoPhasePlan extends CommonPlan {
  readonly mode: 'tcc' | 'xa';
  /** Runs all first phases at once instead of one after another. */
  readonly isParallel: boolean;
  /** TCC: the initiator neither awaits the tries nor reads their answers. */
  readonly ignoresTries: boolean;
  /** The initiator aborts after all branches succeeded. */
  readonly givesUp: boolean;
  /** Reaction of the initiator when the outcome of its submit is unknown. */
  readonly onUnknownSubmit: 'nothing' | 'abort';
}

export interface MsgPlan extends CommonPlan {
  readonly mode: 'msg';
  /** Outcome of the initiator's local transaction; undefined = no local transaction, a plain submit. */
  readonly local: 'commits' | 'refuses' | 'rolls back' | 'commits without answer' | undefined;
  /** The initiator answers the query-back. */
  readonly hasQueryBack: boolean;
  readonly isConcurrent: boolean;
  readonly delaySeconds: number;
  /** The request that carries the delay. */
  readonly delaySentWith: 'prepare' | 'submit' | 'both';
  /** Number of topic subscribers of a step, by index. */
  readonly topics: ReadonlyMap<number, number>;
}

export interface WorkflowPlan extends CommonPlan {
  readonly mode: 'workflow';
}

/** The transaction of one initiator. */
export type Plan = SagaPlan | TwoPhasePlan | MsgPlan | WorkflowPlan;

/** Most subscribers of a topic. */
export const MAX_SUBSCRIBERS = 3;

/** Name of the topic to which the first `subscribers` banks subscribe. */
export function topicOf(subscribers: number): string {
  return `payments-${subscribers}`;
}

/** Branch URL of a bank for an operation. */
export function bankUrl(bank: number, op: string): string {
  return `http://bank${bank}/${op}`;
}

/** URL of the query-back, or of the workflow call, of an initiator. */
export function initiatorUrl(gid: string): string {
  return `http://initiator-${gid}/query-back`;
}

/** Payload of a branch. */
export interface TransferPayload {
  readonly account: number;
  readonly amount: number;
  readonly refuses: boolean;
  readonly skipsBarrier: boolean;
}

/** Payload of a branch. */
export function payloadOf({ account, amount, refuses }: Transfer, skipsBarrier = false): TransferPayload {
  return { account, amount, refuses, skipsBarrier };
}

/** A branch row that a coordinator must store. */
export interface ExpectedRow {
  readonly branchId: string;
  readonly op: string;
  readonly url: string;
  readonly payload: string;
}

/** Rows of a plan after all branches are registered, in order; empty for workflows, which store results. */
export function rowsOf(plan: Plan): readonly ExpectedRow[] {
  return plan.transfers.flatMap((transfer, index): ExpectedRow[] => {
    const branchId = stepBranchId(index + 1);
    const payload = JSON.stringify(payloadOf(transfer, plan.mode === 'saga' && plan.skipsBarrier));
    const row = (op: string, url = bankUrl(transfer.bank, op), id = branchId): ExpectedRow => ({
      branchId: id,
      op,
      url,
      payload,
    });
    switch (plan.mode) {
      case 'saga': {
        const omittedOp = plan.omitted.get(index);
        return (['compensate', 'action'] as const).map((op) => row(op, omittedOp === op ? '' : undefined));
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

/** Amount of the initiator's local transaction, which balances the branches of the message. */
export function localAmount(plan: MsgPlan): number {
  let amount = 0;
  for (const [index, transfer] of plan.transfers.entries()) amount -= transfer.amount * (plan.topics.get(index) ?? 1);
  return amount;
}
