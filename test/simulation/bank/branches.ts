import { BranchBarrier, type BarrierContext } from 'nestjs-dtm/barrier';
import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { DtmFailureError, SUCCESS_BODY, errorOutcome, type BranchOp, type Outcome } from 'nestjs-dtm/protocol';
import type { TransferPayload } from '../scenarios/plan.js';
import type { Bank, BankTransaction } from './bank.js';

/** Whom participants tell that a call was worked off. */
export interface BranchObserver {
  /** A call of a branch has been committed, with an effect or without one. */
  handled(context: BarrierContext): void;
}

/** The branches of a bank for all modes but XA; behind barriers, but for those that are bare. */
export class Branches {
  readonly #bank: Bank;
  readonly #observer: BranchObserver;

  constructor(bank: Bank, observer: BranchObserver) {
    this.#bank = bank;
    this.#observer = observer;
  }

  async handle({ url, context, payload }: OutgoingBranchCall): Promise<Outcome> {
    // an operation under the URL of another one is a mistake that nobody should mend silently
    if (!url.endsWith(`/${context.op}`)) return { kind: 'failure', message: `${context.op} at ${url}` };
    const transfer = JSON.parse(String(payload)) as TransferPayload;
    const barrierContext = context as BarrierContext;
    try {
      if (transfer.isBare) this.#refuse(barrierContext, transfer);
      else {
        const barrier = new BranchBarrier(barrierContext);
        await barrier.call(this.#bank.adapter, async (tx) => this.#business(tx, barrierContext, transfer));
      }
    } catch (error) {
      return errorOutcome(error);
    }
    this.#observer.handled(barrierContext);
    return { kind: 'success', body: SUCCESS_BODY };
  }

  #business(tx: BankTransaction, context: BarrierContext, transfer: TransferPayload): void {
    const { account, amount } = transfer;
    this.#refuse(context, transfer);
    switch (context.op as BranchOp) {
      case 'action':
        // a message and a step of a workflow must be able to count on it
        if (context.transType === 'saga') this.#bank.checkFunds(account, amount);
        return this.#bank.change(tx, context, account, amount);
      case 'compensate':
      case 'rollback':
        return this.#bank.change(tx, context, account, -amount);
      case 'try':
        this.#bank.checkFunds(account, amount);
        return this.#bank.hold(tx, context, account, amount);
      case 'confirm':
        return this.#bank.settle(tx, context, true);
      case 'cancel':
        return this.#bank.settle(tx, context, false);
      default:
        return this.#bank.change(tx, context, account, 0);
    }
  }

  #refuse({ transType, op }: BarrierContext, { refuses }: TransferPayload): void {
    const isForward = op === 'try' || (op === 'action' && transType !== 'msg');
    if (refuses && isForward) throw new DtmFailureError('refused for good');
  }
}
