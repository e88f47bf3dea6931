import type { Pool } from 'pg';
import type { BarrierContext } from 'nestjs-dtm/barrier';
import type { Bank, Queryable } from './bank.js';

/** Identity of an XA branch. */
export type XaContext = Pick<BarrierContext, 'gid' | 'branchId'>;

/** XA branches of a bank: changes stay prepared until the coordinator decides. */
export interface XaBank {
  /**
   * Prepares a change durably; the change is not visible yet.
   *
   * @param register - called before the prepare; the change can still be rolled back
   */
  prepare(context: XaContext, user: number, amount: number, register: () => Promise<void>): Promise<void>;
  /** Commits a prepared change; idempotent. */
  commit(context: XaContext): Promise<void>;
  /** Rolls a prepared change back, and prevents a later prepare. */
  rollback(context: XaContext): Promise<void>;
  /** Prepared changes without a decision. */
  pending(): Promise<string[]>;
}

const INSERT_BARRIER = `insert into dtm_barrier.barrier (trans_type, gid, branch_id, op, barrier_id, reason)
  values ('xa', $1, $2, 'action', '01', $3) on conflict on constraint uniq_barrier do nothing`;

/** Uses `prepare transaction` of PostgreSQL. Needs its own pool, because prepared changes hold locks. */
export function postgresXaBank(bank: Bank, pool: Pool): XaBank {
  const decide = async ({ gid, branchId }: XaContext, how: 'commit' | 'rollback'): Promise<void> => {
    try {
      await pool.query(`${how} prepared '${gid}-${branchId}'`);
    } catch (error) {
      // already decided, or never prepared
      if ((error as { code?: unknown }).code !== '42704') throw error;
    }
  };
  return {
    async prepare(context, user, amount, register) {
      const { gid, branchId } = context;
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query("set local lock_timeout = '2s'");
        await client.query(INSERT_BARRIER, [gid, branchId, 'action']);
        await bank.change(client as Queryable, { ...context, transType: 'xa', op: 'action' }, user, amount);
        await register();
        await client.query(`prepare transaction '${gid}-${branchId}'`);
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
    commit: (context) => decide(context, 'commit'),
    async rollback(context) {
      await decide(context, 'rollback');
      await pool.query(INSERT_BARRIER, [context.gid, context.branchId, 'rollback']);
    },
    async pending() {
      const { rows } = await pool.query('select gid from pg_prepared_xacts where database = current_database()');
      return (rows as { gid: string }[]).map(({ gid }) => gid);
    },
  };
}

/** Emulates prepared transactions with a table, for a database without them. */
export async function emulatedXaBank(bank: Bank): Promise<XaBank> {
  const { database, adapter } = bank;
  await database.query('create table if not exists prepared (xid text primary key, user_id int, amount int)');
  const decide = async ({ gid, branchId }: XaContext, isCommitted: boolean): Promise<void> => {
    await adapter.transaction(async (tx) => {
      const { rows } = await tx.query('delete from prepared where xid = $1 returning user_id, amount', [
        `${gid}-${branchId}`,
      ]);
      const [change] = rows as { user_id: number; amount: number }[];
      if (!change) return;
      const context = { gid, branchId, transType: 'xa', op: 'action' } as const;
      const frozen = -Math.max(0, -change.amount);
      if (isCommitted) await bank.change(tx, context, change.user_id, change.amount, frozen);
      else await tx.query('update account set frozen = frozen + $2 where user_id = $1', [change.user_id, frozen]);
    });
  };
  return {
    async prepare({ gid, branchId }, user, amount, register) {
      await adapter.transaction(async (tx) => {
        await tx.query(INSERT_BARRIER, [gid, branchId, 'action']);
        await tx.query('insert into prepared values ($1, $2, $3)', [`${gid}-${branchId}`, user, amount]);
        await tx.query('update account set frozen = frozen + $2 where user_id = $1', [user, Math.max(0, -amount)]);
        await register();
      });
    },
    commit: (context) => decide(context, true),
    async rollback(context) {
      await decide(context, false);
      await database.query(INSERT_BARRIER, [context.gid, context.branchId, 'rollback']);
    },
    async pending() {
      return ((await database.query('select xid from prepared')).rows as { xid: string }[]).map(({ xid }) => xid);
    },
  };
}
