import { BranchBarrier, type BarrierContext } from 'nestjs-dtm/barrier';
import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { DtmFailureError, SUCCESS_BODY, errorOutcome, type BranchOp, type Outcome } from 'nestjs-dtm/protocol';
import type { TransferPayload } from '../scenarios/plan.js';
import type { Bank, BankTransaction } from './bank.js';

/** Is notified of completed branch calls. */
export interface BranchObserver {
  /** A branch call was committed, with or without an effect. */
  handled(context: BarrierContext): void;
}

/** Branches of a bank for all modes except XA. They use barriers unless the payload says otherwise. */
export class Branches {
  readonly #bank: Bank;
  readonly #observer: BranchObserver;

  constructor(bank: Bank, observer: BranchObserver) {
    this.#bank = bank;
    this.#observer = observer;
  }

  async handle({ url, context, payload }: OutgoingBranchCall): Promise<Outcome> {
    // an operation at the URL of another operation is a bug: never accept it silently
    if (!url.endsWith(`/${context.op}`)) return { kind: 'failure', message: `${context.op} at ${url}` };
    const transfer = JSON.parse(String(payload)) as TransferPayload;
    const barrierContext = context as BarrierContext;
    try {
      if (transfer.skipsBarrier) this.#refuse(barrierContext, transfer);
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
        // messages and workflow steps must not fail
        if (context.transType === 'saga') this.#bank.checkFunds(account, amount);
        return this.#bank.change(tx, context, account, amount);
      case 'compensate':
      case 'rollback':
        return this.#bank.change(tx, context, account, -amount);
      case 'try':
        this.#bank.checkFunds(account, amount);
        return this.#bank.hold(tx, context, account, amount);
      case 'confirm':
        return this.#bank.endHold(tx, context, true);
      case 'cancel':
        return this.#bank.endHold(tx, context, false);
      default:
        return this.#bank.change(tx, context, account, 0);
    }
  }

  #refuse({ transType, op }: BarrierContext, { refuses }: TransferPayload): void {
    const isForward = op === 'try' || (op === 'action' && transType !== 'msg');
    if (refuses && isForward) throw new DtmFailureError('refused permanently');
  }
}
