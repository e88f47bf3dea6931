import { PGlite } from '@electric-sql/pglite';
import mysql from 'mysql2/promise';
import { Pool } from 'pg';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { mysql2Xa } from 'nestjs-dtm/xa/mysql2';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { startMariadb } from '../../services/mariadb.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { Bank, type Queryable } from '../bank/bank.js';
import { AMOUNT, OPENING_BALANCE, type Transfer } from './transfer.js';

/** Balances of one transfer. */
export interface Money {
  readonly from: number;
  readonly to: number;
  /** Amount that is reserved or prepared but not decided. */
  readonly held: number;
}

/** Accounts for transfers. */
export interface Accounts {
  /** Opens an account for the payer and an empty account for the receiver. */
  open(): Promise<Transfer>;
  moneyOf(transfer: Transfer, gid: string): Promise<Money>;
  close(): Promise<void>;
}

/** Accounts in an in-process database, for all modes that use the barrier. */
export interface BarrierAccounts extends Accounts {
  readonly bank: Bank;
}

/** @see BarrierAccounts */
export async function barrierAccounts(): Promise<BarrierAccounts> {
  const database = new PGlite();
  const bank = new Bank(database as Queryable, pgBarrier(database) as unknown as Bank['adapter']);
  await bank.open([], 0);
  const users = numbers();
  return {
    bank,
    async open() {
      const [from, to] = [users(), users()];
      await database.query('insert into account values ($1, $2), ($3, 0)', [from, OPENING_BALANCE, to]);
      return { from, to, amount: AMOUNT };
    },
    async moneyOf({ from, to }) {
      const { rows } = await database.query<{ user_id: number; balance: number; frozen: number }>(
        'select * from account where user_id in ($1, $2)',
        [from, to],
      );
      const balanceOf = (user: number): number => rows.find(({ user_id }) => user_id === user)!.balance;
      return { from: balanceOf(from), to: balanceOf(to), held: rows.reduce((sum, { frozen }) => sum + frozen, 0) };
    },
    close: () => database.close(),
  };
}

/** The payer's account in a real PostgreSQL, the receiver's in a real MariaDB. */
export interface XaAccounts extends Accounts {
  readonly postgres: ReturnType<typeof pgXa>;
  readonly mariadb: ReturnType<typeof mysql2Xa>;
}

const CONNECTIONS = 20;

/** @see XaAccounts */
export async function xaAccounts(): Promise<XaAccounts> {
  const servers = await Promise.all([startPostgres(), startMariadb()]);
  const pgPools = [1, 2].map(() => new Pool({ connectionString: servers[0].url, max: CONNECTIONS }));
  // at shutdown the server sends an error to connections that are being closed
  for (const pool of pgPools) pool.on('error', () => undefined);
  const mysqlPools = [1, 2].map(() => mysql.createPool({ uri: servers[1].url, connectionLimit: CONNECTIONS }));
  // XA needs its own pools
  const [payers, receivers] = [pgPools[0]!, mysqlPools[0]!];
  const [postgres, mariadb] = [pgXa(pgPools[1]!), mysql2Xa(mysqlPools[1]!)];
  await Promise.all([postgres.createTable(), mariadb.createTable()]);
  const createTable = 'create table account (user_id int primary key, balance int not null)';
  await Promise.all([payers.query(createTable), receivers.query(createTable)]);
  const users = numbers();
  return {
    postgres,
    mariadb,
    async open() {
      const [from, to] = [users(), users()];
      await payers.query('insert into account values ($1, $2)', [from, OPENING_BALANCE]);
      await receivers.query('insert into account values (?, 0)', [to]);
      return { from, to, amount: AMOUNT };
    },
    async moneyOf({ from, to }, gid) {
      const payer = await payers.query('select balance from account where user_id = $1', [from]);
      const [receiver] = await receivers.query('select balance from account where user_id = ?', [to]);
      const inDoubt = (await Promise.all([postgres.listInDoubt(), mariadb.listInDoubt()])).flat();
      return {
        from: (payer.rows as { balance: number }[])[0]!.balance,
        to: (receiver as { balance: number }[])[0]!.balance,
        held: inDoubt.filter((branch) => branch.gid === gid).length,
      };
    },
    async close() {
      await Promise.all([...pgPools, ...mysqlPools].map((pool) => pool.end()));
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

function numbers(): () => number {
  let last = 0;
  return () => (last += 1);
}
