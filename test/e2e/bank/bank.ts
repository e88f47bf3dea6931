import { DtmFailureError } from 'nestjs-dtm';
import type { BarrierAdapter, BarrierContext } from 'nestjs-dtm/barrier';

/** Runs SQL; PGlite and node-postgres both match this interface. */
export interface Queryable {
  query(
    text: string,
    parameters?: unknown[],
  ): Promise<{ rows: unknown[]; rowCount?: number | null; affectedRows?: number }>;
}

/** A bank with its own database: accounts, and a ledger with a row for every effect. */
export class Bank {
  constructor(
    readonly database: Queryable,
    readonly adapter: BarrierAdapter<Queryable>,
  ) {}

  async open(users: readonly number[], balance: number): Promise<void> {
    await this.adapter.createTable();
    await this.database.query(
      'create table account (user_id int primary key, balance int not null, frozen int not null default 0)',
    );
    await this.database.query(
      'create table ledger (id serial primary key, gid text, branch_id text, op text, user_id int, amount int, at timestamptz default clock_timestamp())',
    );
    for (const user of users) await this.database.query('insert into account values ($1, $2)', [user, balance]);
  }

  /** Changes an account and records the effect in the ledger; fails without sufficient funds. */
  async change(tx: Queryable, context: BarrierContext, user: number, balance: number, frozen = 0): Promise<void> {
    const result = await tx.query(
      `update account set balance = balance + $2, frozen = frozen + $3
       where user_id = $1 and balance + $2 >= 0 and frozen + $3 between 0 and balance + $2`,
      [user, balance, frozen],
    );
    if ((result.affectedRows ?? result.rowCount) !== 1)
      throw new DtmFailureError(`user ${user} lacks the funds for a change of ${balance}, frozen ${frozen}`);
    await tx.query('insert into ledger (gid, branch_id, op, user_id, amount) values ($1, $2, $3, $4, $5)', [
      context.gid,
      context.branchId,
      context.op,
      user,
      balance,
    ]);
  }

  async total(): Promise<{ balance: number; frozen: number }> {
    const { rows } = await this.database.query(
      'select sum(balance)::int as balance, sum(frozen)::int as frozen from account',
    );
    return rows[0] as { balance: number; frozen: number };
  }

  async ledger(): Promise<{ id: number; gid: string; branch_id: string; op: string; amount: number }[]> {
    return (await this.database.query('select id, gid, branch_id, op, amount from ledger order by id')).rows as never;
  }
}
