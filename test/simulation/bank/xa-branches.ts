import type { BarrierContext } from 'nestjs-dtm/barrier';
import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { SUCCESS_BODY, type DtmApi, type Outcome } from 'nestjs-dtm/protocol';
import type { TransferPayload } from '../scenarios/plan.js';
import { keyOf, type Bank } from './bank.js';
import type { BranchObserver } from './branches.js';

/** An XA transaction of the database. */
interface Xid {
  readonly context: BarrierContext;
  readonly account: number;
  readonly amount: number;
  state: 'active' | 'prepared';
}

const SUCCESS: Outcome = { kind: 'success', body: SUCCESS_BODY };

/**
 * XA branches of a bank. The first phase inserts the barrier row, does its work, registers and prepares. The second phase
 * commits or rolls back the prepared transaction. A rollback that comes first leaves only its barrier row.
 */
export class XaBranches {
  readonly #bank: Bank;
  readonly #api: Pick<DtmApi, 'registerBranch'>;
  readonly #observer: BranchObserver;
  readonly #xids = new Map<string, Xid>();

  constructor(bank: Bank, api: Pick<DtmApi, 'registerBranch'>, observer: BranchObserver) {
    this.#bank = bank;
    this.#api = api;
    this.#observer = observer;
  }

  /** XA transactions that are neither committed nor rolled back. */
  get open(): readonly string[] {
    return [...this.#xids].map(([xid, { state }]) => `${xid} ${state}`);
  }

  async handle(call: OutgoingBranchCall): Promise<Outcome> {
    const context = call.context as BarrierContext;
    const outcome = await this.#handle(context, call);
    if (outcome.kind === 'success') this.#observer.handled(context);
    return outcome;
  }

  #handle(context: BarrierContext, call: OutgoingBranchCall): Promise<Outcome> | Outcome {
    switch (context.op) {
      case 'commit':
        return this.#commit(context);
      case 'rollback':
        return this.#rollback(context);
      default:
        return this.#firstPhase(context, call);
    }
  }

  async #firstPhase(
    context: BarrierContext,
    { payload, context: { phase2Url } }: OutgoingBranchCall,
  ): Promise<Outcome> {
    const row = { ...context, op: 'action', barrierId: '01' };
    const xid = keyOf(row);
    if (this.#xids.has(xid)) return { kind: 'unknown', message: 'the xid already exists' };
    // already committed, or rolled back before the first phase
    if (this.#bank.reasonOf(row) !== undefined) return SUCCESS;
    const { account, amount, refuses } = JSON.parse(String(payload)) as TransferPayload;
    if (refuses) return { kind: 'failure', message: 'refused permanently' };
    try {
      this.#bank.checkFunds(account, amount);
    } catch (error) {
      return { kind: 'failure', message: String(error) };
    }
    const open: Xid = { context, account, amount, state: 'active' };
    this.#xids.set(xid, open);
    this.#bank.lockedKeys.add(xid);
    this.#bank.holds.set(`${context.gid}/${context.branchId}`, open);
    try {
      await this.#api.registerBranch({ ...context, transType: 'xa', url: phase2Url! });
    } catch (error) {
      this.#end(xid, open);
      return { kind: 'unknown', message: `not registered: ${String(error)}` };
    }
    open.state = 'prepared';
    return SUCCESS;
  }

  async #commit(context: BarrierContext): Promise<Outcome> {
    const row = { ...context, op: 'action', barrierId: '01', reason: 'action' };
    const open = this.#xids.get(keyOf(row));
    if (!open) return SUCCESS;
    if (open.state === 'active') return { kind: 'unknown', message: 'the xid is not prepared' };
    this.#end(keyOf(row), open);
    await this.#bank.adapter.transaction(async (tx) => {
      this.#bank.insert(tx, row);
      this.#bank.change(tx, context, open.account, open.amount);
    });
    return SUCCESS;
  }

  async #rollback(context: BarrierContext): Promise<Outcome> {
    const row = { ...context, op: 'action', barrierId: '01', reason: 'rollback' };
    const open = this.#xids.get(keyOf(row));
    // the running first phase holds a lock on the row
    if (open?.state === 'active') return { kind: 'unknown', message: 'lock wait timeout' };
    if (open) this.#end(keyOf(row), open);
    await this.#bank.adapter.transaction(async (tx) => this.#bank.insert(tx, row));
    return SUCCESS;
  }

  #end(xid: string, { context: { gid, branchId } }: Xid): void {
    this.#xids.delete(xid);
    this.#bank.lockedKeys.delete(xid);
    this.#bank.holds.delete(`${gid}/${branchId}`);
  }
}
