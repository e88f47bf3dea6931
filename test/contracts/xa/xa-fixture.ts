import { DtmBarrierError, DtmOngoingError } from 'nestjs-dtm/protocol';
import type { XaAdapter, XaKey } from 'nestjs-dtm/xa';

/** Row of an answer. */
export type Row = Readonly<Record<string, unknown>>;

/** A pool of its own, with an adapter on it. */
export interface XaPool<Tx> {
  readonly adapter: XaAdapter<Tx>;
  /** Connections that are in use. */
  busy(): number;
}

/** One adapter on one database, with what the contract needs to look at it from outside. */
export interface XaFixture<Tx> {
  /** Makes a pool; it is closed with the fixture. */
  pool(size: number): XaPool<Tx>;
  /** Runs a statement on the connection of a branch. */
  query(tx: Tx, sql: string): Promise<readonly Row[]>;
  /** Runs a statement beside it all. */
  rows(sql: string): Promise<readonly Row[]>;
  /** Number of prepared transactions, of whomever. */
  prepared(): Promise<number>;
  /** Prepares a transaction that is not dtm's; gives back what rolls it back. */
  prepareForeign(): Promise<() => Promise<void>>;
  /** Number of sessions that wait for a lock. */
  waiting(): Promise<number>;
  /** Ends the session of a branch, as a crash of the server or the network would. */
  kill(tx: Tx): Promise<void>;
  /** Ends all sessions of pools. */
  killAll(): Promise<void>;
  /** Makes the database give up the transaction, and swallows its error. */
  spoil(tx: Tx): Promise<void>;
  /** Lets the next statement that begins so succeed, and its answer get lost. */
  loseAnswer(tx: Tx, beginning: string): void;
  /** Beginning of the statement that prepares. */
  readonly prepareStatement: string;
  /** Most bytes of a gid with a branch id of two. */
  readonly longestGid: number;
  close(): Promise<void>;
}

let stories = 0;

/** One branch of one transaction that moves money, and what it left behind. */
export class XaStory<Tx> {
  readonly branch: XaKey;
  readonly #fixture: XaFixture<Tx>;
  /** How often the business code ran. */
  runs = 0;

  constructor(
    fixture: XaFixture<Tx>,
    readonly account: number,
    gid: string = `xa-${process.pid}-${++stories}`,
  ) {
    this.#fixture = fixture;
    this.branch = { gid, branchId: '01' };
  }

  /** Business code. */
  readonly work = async (tx: Tx): Promise<string> => {
    this.runs += 1;
    await this.#fixture.query(tx, `update account set balance = balance + 30 where id = ${this.account}`);
    return 'moved';
  };

  /** Money in the account, as committed. */
  async balance(): Promise<number> {
    return balanceOf(this.#fixture, this.account);
  }

  /** Barrier rows that are committed, as `op/barrier_id by reason`. */
  async barrierRows(): Promise<string[]> {
    const { gid } = this.branch;
    const rows = await this.#fixture.rows(
      `select op, barrier_id, reason, trans_type from dtm_barrier.barrier where gid = '${gid}'`,
    );
    return rows.map(
      (row) =>
        `${String(row['trans_type'])} ${String(row['op'])}/${String(row['barrier_id'])} by ${String(row['reason'])}`,
    );
  }
}

/** Opens an account with nothing in it. */
export async function openAccount<Tx>(fixture: XaFixture<Tx>): Promise<number> {
  const id = ++stories;
  await fixture.rows(`insert into account (id, balance) values (${id}, 0)`);
  return id;
}

/** Money in an account, as committed. */
export async function balanceOf<Tx>(fixture: XaFixture<Tx>, account: number): Promise<number> {
  const [row] = await fixture.rows(`select balance from account where id = ${account}`);
  return Number(row?.['balance']);
}

/** Registers nothing. */
export const registered = async (): Promise<void> => undefined;

/** Does it again for as long as dtm would: after errors that say "retry". */
export async function retried<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      const isTemporary = error instanceof DtmBarrierError || error instanceof DtmOngoingError;
      if (!isTemporary || attempt === 100) throw error;
    }
  }
}
