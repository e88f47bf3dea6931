import { DtmFailureError } from 'nestjs-dtm/protocol';
import type { BarrierAdapter, BarrierContext, BarrierRow } from 'nestjs-dtm/barrier';

/** Initial balance of each account. */
export const OPENING_BALANCE = 1000;

/** Accounts of each bank. */
export const ACCOUNTS = 3;

/** Money that a first phase has reserved. */
interface Hold {
  readonly account: number;
  readonly amount: number;
}

/** An open database transaction with its uncommitted changes. */
export interface BankTransaction {
  readonly rows: Map<string, string>;
  readonly changes: (() => void)[];
}

/** Is notified of the effects of a bank. */
export interface BankObserver {
  /** The business code of a branch was committed and added `amount` to a balance. */
  effect(bank: string, context: BarrierContext, amount: number): void;
}

/** A bank with its own database: accounts, reservations and the barrier table. */
export class Bank {
  readonly name: string;
  readonly balances: number[] = Array.from({ length: ACCOUNTS }, () => OPENING_BALANCE);
  readonly holds = new Map<string, Hold>();
  /** Keys of rows that an XA branch has inserted but not committed. */
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
      findReason: async (tx, key) => tx.rows.get(keyOf(key)) ?? this.reasonOf(key),
      assertTransaction: () => undefined,
      createTable: async () => undefined,
    };
  }

  /** Reason of a committed barrier row. */
  reasonOf(row: Omit<BarrierRow, 'reason' | 'transType'>): string | undefined {
    return this.#rows.get(keyOf(row));
  }

  /** Runs transactions one after another: a serializable database. */
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

  /** Adds an amount to a balance at commit. */
  change(tx: BankTransaction, context: BarrierContext, account: number, amount: number): void {
    tx.changes.push(() => {
      this.balances[account]! += amount;
      this.#observer.effect(this.name, context, amount);
    });
  }

  /** Reserves money at commit, until the second phase. */
  hold(tx: BankTransaction, context: BarrierContext, account: number, amount: number): void {
    tx.changes.push(() => {
      this.holds.set(branchKey(context), { account, amount });
      this.#observer.effect(this.name, context, 0);
    });
  }

  /** Ends a reservation at commit: confirms it into the balance, or releases it. */
  endHold(tx: BankTransaction, context: BarrierContext, isConfirmed: boolean): void {
    tx.changes.push(() => {
      const hold = this.holds.get(branchKey(context));
      this.holds.delete(branchKey(context));
      if (hold && isConfirmed) this.balances[hold.account]! += hold.amount;
      this.#observer.effect(this.name, context, hold && isConfirmed ? hold.amount : 0);
    });
  }

  /**
   * Fails when the account lacks the funds.
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

/** Key of a row in the barrier table. */
export function keyOf({ gid, branchId, op, barrierId }: Omit<BarrierRow, 'reason' | 'transType'>): string {
  return `${gid}/${branchId}/${op}/${barrierId}`;
}

function branchKey({ gid, branchId }: BarrierContext): string {
  return `${gid}/${branchId}`;
}
