import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import { startMariadb } from '../../services/mariadb.mjs';
import { goTable } from '../../contracts/barrier/go-table.js';

/** A step of an {@link Order}. For TCC, the action is the try and the compensation is the cancel. */
export interface OrderStep {
  readonly action: string;
  readonly compensate?: string;
  readonly confirm?: string;
  readonly payload: unknown;
}

/** A transaction that a bank runs with the client of its language. */
export interface Order {
  /** Base URL of the HTTP API; `host:port` for gRPC. */
  readonly server: string;
  /** Only the Go client knows more than HTTP. @default 'http' */
  readonly protocol?: 'http' | 'grpc' | 'json-rpc';
  readonly mode: 'saga' | 'tcc' | 'msg' | 'xa';
  readonly gid: string;
  readonly steps: readonly OrderStep[];
  /** Methods of a saga or message to call, in order. @default ['submit'] */
  readonly calls?: readonly ('prepare' | 'submit' | 'doAndSubmit')[];
  /** Options of the transaction, as on the wire. @default none */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly orders?: Readonly<Record<number, readonly number[]>>;
  readonly queryPrepared?: string;
  /** Local transaction of `doAndSubmit`. */
  readonly local?: { readonly userId: number; readonly amount: number };
}

/** Has a bank run a transaction; gives the error text of each call of the client, null for success. */
export async function runOrder(bank: { readonly url: string }, order: Order): Promise<(string | null)[]> {
  const body = JSON.stringify({ protocol: 'http', calls: ['submit'], ...order });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${bank.url}/begin`, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the bank did not run the transaction: ${text}`);
  return (JSON.parse(text) as { errors: (string | null)[] }).errors;
}

/** MariaDB with the accounts of all banks, and the barrier table as dtm's script creates it. */
export interface Accounts {
  readonly mariadb: Awaited<ReturnType<typeof startMariadb>>;
  readonly pool: Pool;
  /** Balances by user. */
  balances(): Promise<Record<number, number>>;
  /** Rows of the barrier table, as `branch op reason`, in order. */
  barrierRows(gid: string): Promise<string[]>;
  /** Gives each of the users 1 to 4 a balance of 100. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function startAccounts(): Promise<Accounts> {
  const mariadb = await startMariadb();
  const pool = createPool({ uri: mariadb.url, connectionLimit: 10 });
  const rows = async (sql: string, values: string[] = []): Promise<RowDataPacket[]> =>
    (await pool.query<RowDataPacket[]>(sql, values))[0];
  for (const sql of [
    ...goTable('mysql', 'dtm_barrier'),
    'create database dtm_busi',
    'create table dtm_busi.user_account (user_id int primary key, balance int not null)',
  ]) {
    await pool.query(sql);
  }
  return {
    mariadb,
    pool,
    balances: async () =>
      Object.fromEntries(
        (await rows('select user_id, balance from dtm_busi.user_account')).map((row) => [
          row['user_id'],
          row['balance'],
        ]),
      ) as Record<number, number>,
    barrierRows: async (gid) =>
      (await rows('select branch_id, op, reason from dtm_barrier.barrier where gid = ? order by id', [gid])).map(
        (row) => `${String(row['branch_id'])} ${String(row['op'])} ${String(row['reason'])}`,
      ),
    reset: async () => {
      await pool.query('replace into dtm_busi.user_account values (1, 100), (2, 100), (3, 100), (4, 100)');
    },
    stop: async () => {
      await pool.end();
      await mariadb.stop();
    },
  };
}

/** The saga, TCC or message step that moves an amount out of or into an account of a bank. */
export function transferStep(
  bank: { readonly url: string },
  method: string,
  userId: number,
  amount: number,
): OrderStep {
  return {
    action: `${bank.url}/${method}`,
    compensate: `${bank.url}/${method}Revert`,
    confirm: `${bank.url}/Confirm`,
    payload: { userId, amount },
  };
}
