import { DtmFailureError } from 'nestjs-dtm/protocol';
import type { BarrierAdapter, BarrierContext, BarrierRow } from 'nestjs-dtm/barrier';

/** Each account begins with this. */
export const OPENING_BALANCE = 1000;

/** Accounts of a bank. */
export const ACCOUNTS = 3;

/** Money that a first phase has set aside. */
interface Hold {
  readonly account: number;
  readonly amount: number;
}

/** An open database transaction: what it would change. */
export interface BankTransaction {
  readonly rows: Map<string, string>;
  readonly changes: (() => void)[];
}

/** Whom a bank tells what it did. */
export interface BankObserver {
  /** Business code of a branch was committed; `amount` was added to a balance. */
  effect(bank: string, context: BarrierContext, amount: number): void;
}

/** A bank with a database of its own: accounts, money set aside, and the barrier's table. */
export class Bank {
  readonly name: string;
  readonly balances: number[] = Array.from({ length: ACCOUNTS }, () => OPENING_BALANCE);
  readonly holds = new Map<string, Hold>();
  /** Keys whose rows an XA branch has inserted, and not committed yet. */
  readonly lockedKeys = new Set<string>();
  readonly adapter: BarrierAdapter<BankTransaction>;
  readonly #observer: BankObserver;
  readonly #rows = new Map<string, string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, observer: BankObserver) {
    this.name = name;
    this.#observer = observer;
    this.adapter = {
      transaction: (work) => this.#transaction(work),
      insert: async (tx, row) => this.insert(tx, row),
      reason: async (tx, key) => tx.rows.get(keyOf(key)) ?? this.reasonOf(key),
      assertTransaction: () => undefined,
      createTable: async () => undefined,
    };
  }

  /** Reason of a committed row. */
  reasonOf(row: Omit<BarrierRow, 'reason' | 'transType'>): string | undefined {
    return this.#rows.get(keyOf(row));
  }

  /** Runs one transaction after the other, as a serializable database does. */
  #transaction<T>(work: (tx: BankTransaction) => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      const tx: BankTransaction = { rows: new Map(), changes: [] };
      const result = await work(tx);
      for (const [key, reason] of tx.rows) this.#rows.set(key, reason);
      for (const change of tx.changes) change();
      return result;
    };
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  insert(tx: BankTransaction, row: BarrierRow): boolean {
    const key = keyOf(row);
    if (this.lockedKeys.has(key)) throw new Error('lock wait timeout');
    if (this.#rows.has(key) || tx.rows.has(key)) return false;
    tx.rows.set(key, row.reason);
    return true;
  }

  /** Adds to a balance. */
  change(tx: BankTransaction, context: BarrierContext, account: number, amount: number): void {
    tx.changes.push(() => {
      this.balances[account]! += amount;
      this.#observer.effect(this.name, context, amount);
    });
  }

  /** Sets money aside, for a branch that will be decided later. */
  hold(tx: BankTransaction, context: BarrierContext, account: number, amount: number): void {
    tx.changes.push(() => {
      this.holds.set(branchKey(context), { account, amount });
      this.#observer.effect(this.name, context, 0);
    });
  }

  /** Ends a hold: its amount is added to the balance, or forgotten. */
  settle(tx: BankTransaction, context: BarrierContext, isConfirmed: boolean): void {
    tx.changes.push(() => {
      const hold = this.holds.get(branchKey(context));
      this.holds.delete(branchKey(context));
      if (hold && isConfirmed) this.balances[hold.account]! += hold.amount;
      this.#observer.effect(this.name, context, hold && isConfirmed ? hold.amount : 0);
    });
  }

  /**
   * Refuses for good what an account cannot bear.
   *
   * @throws DtmFailureError
   */
  checkFunds(account: number, amount: number): void {
    if (amount >= 0) return;
    let available = this.balances[account]!;
    for (const hold of this.holds.values()) if (hold.account === account) available += Math.min(0, hold.amount);
    if (available + amount < 0) throw new DtmFailureError(`account ${account} has ${available}, not ${-amount}`);
  }
}

/** Key of a row of the barrier's table. */
export function keyOf({ gid, branchId, op, barrierId }: Omit<BarrierRow, 'reason' | 'transType'>): string {
  return `${gid}/${branchId}/${op}/${barrierId}`;
}

function branchKey({ gid, branchId }: BarrierContext): string {
  return `${gid}/${branchId}`;
}
