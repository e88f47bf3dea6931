import { DtmFailureError } from 'nestjs-dtm';
import type { BankDatabase, Sql } from './bank-database.js';

/** An account; amounts are whole numbers. */
export interface Account {
  userId: number;
  balance: number;
  /** Part of the balance that TCC transactions have reserved. */
  frozen: number;
}

/** The accounts of one bank, in its own database. */
export class Accounts {
  constructor(readonly database: BankDatabase) {}

  /** Creates the tables and the accounts. Existing accounts keep their balance. */
  async open(accounts: readonly { userId: number; balance: number }[]): Promise<void> {
    await this.database.open();
    await this.database.query(
      `create table if not exists account (
         user_id integer primary key,
         balance bigint not null check (balance >= 0),
         frozen  bigint not null default 0 check (frozen between 0 and balance)
       )`,
    );
    for (const { userId, balance } of accounts) {
      await this.database.query('insert into account (user_id, balance) values ($1, $2) on conflict do nothing', [
        userId,
        balance,
      ]);
    }
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  async list(): Promise<Account[]> {
    const { rows } = await this.database.query(
      'select user_id as "userId", balance::int as balance, frozen::int as frozen from account order by user_id',
    );
    return rows as Account[];
  }

  /** Withdraws an amount; a negative amount returns it. */
  async debit(tx: Sql, userId: number, amount: number): Promise<void> {
    await this.#change(tx, 'balance = balance - $2', 'balance - $2 >= frozen', userId, amount, 'does not have');
  }

  /** Deposits an amount; a negative amount takes it back. */
  async credit(tx: Sql, userId: number, amount: number): Promise<void> {
    await this.#change(tx, 'balance = balance + $2', 'balance + $2 >= frozen', userId, amount, 'cannot return');
  }

  /** Reserves an amount. */
  async freeze(tx: Sql, userId: number, amount: number): Promise<void> {
    await this.#change(tx, 'frozen = frozen + $2', 'frozen + $2 <= balance', userId, amount, 'does not have');
  }

  /** Releases a reserved amount. */
  async unfreeze(tx: Sql, userId: number, amount: number): Promise<void> {
    await this.#change(tx, 'frozen = frozen - $2', 'frozen >= $2', userId, amount, 'has not reserved');
  }

  /** Throws DtmFailureError when the user has no account: a retry would not help. */
  async assertExists(tx: Sql, userId: number): Promise<void> {
    const { rows } = await tx.query('select from account where user_id = $1', [userId]);
    if (rows.length === 0) throw new DtmFailureError(`user ${userId} has no account in this bank`);
  }

  async #change(
    tx: Sql,
    change: string,
    condition: string,
    userId: number,
    amount: number,
    refusal: string,
  ): Promise<void> {
    const text = `update account set ${change} where user_id = $1 and ${condition} returning user_id`;
    const { rows } = await tx.query(text, [userId, amount]);
    if (rows.length === 1) return;
    await this.assertExists(tx, userId);
    throw new DtmFailureError(`user ${userId} ${refusal} ${amount}`);
  }
}
