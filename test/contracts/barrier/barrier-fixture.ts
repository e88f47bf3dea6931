import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BranchBarrier, type BarrierAdapter } from 'nestjs-dtm/barrier';
import type { BarrierTableOptions, SqlDialectName } from 'nestjs-dtm/barrier/sql';
import { DtmBarrierError, type BranchOp, type TransType } from 'nestjs-dtm/protocol';

/** A transaction that the test opened itself. */
export interface OpenTransaction<Tx> {
  readonly tx: Tx;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** One adapter on one database, with what the contract needs to look at it from outside. */
export interface BarrierFixture<Tx> {
  readonly dialect: SqlDialectName;
  adapter(options?: BarrierTableOptions): BarrierAdapter<Tx>;
  /** Opens a transaction the way a user of the library does. */
  begin(isolation?: 'REPEATABLE READ' | 'SERIALIZABLE'): Promise<OpenTransaction<Tx>>;
  /** Runs a statement in a transaction. */
  query(tx: Tx, sql: string): Promise<Record<string, unknown>[]>;
  /** Runs a statement outside any transaction. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** Handles of the library that are not open transactions. */
  readonly notTransactions: Readonly<Record<string, unknown>>;
  /** Only where there is more than one connection. */
  readonly sessions?: {
    /** Number of sessions that wait for a lock. */
    waiting(): Promise<number>;
    /** Ends the session of the transaction, as a crash of the server or the network would. */
    kill(tx: Tx): Promise<void>;
  };
  /** The same database through a pool of this many connections; only where there is more than one. */
  small?(connections: number): Promise<BarrierFixture<Tx>>;
  close(): Promise<void>;
}

/** Where the barrier table is unless a test says otherwise. */
export function defaultTable(dialect: SqlDialectName): string {
  return dialect === 'sqlite' ? 'dtm_barrier' : 'dtm_barrier.barrier';
}

/** Creates the tables that the contract works on. */
export async function prepare<Tx>(fixture: BarrierFixture<Tx>): Promise<void> {
  await fixture.adapter().createTable();
  await fixture.rows('create table if not exists effect (account varchar(64) not null, op varchar(64) not null)');
  await fixture.rows('create table if not exists anchor (id int)');
}

/** The requests that dtm makes to one branch of one transaction, and what they left behind. */
export class BranchStory<Tx> {
  readonly gid: string;
  readonly account = randomUUID();

  constructor(
    readonly fixture: BarrierFixture<Tx>,
    gid: string = `story-${randomUUID()}`,
  ) {
    this.gid = gid;
  }

  /** Barrier of one request. */
  request(op: BranchOp, transType: TransType = 'saga'): BranchBarrier {
    return new BranchBarrier({ gid: this.gid, transType, branchId: '01', op });
  }

  /** Business code that leaves a trace, and gives back what it did. */
  readonly work = (op: string) => async (tx: Tx) => {
    await this.fixture.query(tx, `insert into effect (account, op) values ('${this.account}', '${op}')`);
    return `did ${op}`;
  };

  /** Traces of business code that are committed. */
  async effects(): Promise<string[]> {
    const rows = await this.fixture.rows(`select op from effect where account = '${this.account}' order by op`);
    return rows.map((row) => String(row['op']));
  }

  /** Barrier rows that are committed, as `op/barrier_id by reason`. */
  async barrierRows(table: string = defaultTable(this.fixture.dialect)): Promise<string[]> {
    const rows = await this.fixture.rows(
      `select op, barrier_id, reason from ${table} where gid = '${this.gid}' order by op, barrier_id`,
    );
    return rows.map((row) => `${String(row['op'])}/${String(row['barrier_id'])} by ${String(row['reason'])}`);
  }
}

/** Runs business code behind a barrier, in one of the two ways that there are. */
export type Run = <Tx, T>(
  fixture: BarrierFixture<Tx>,
  barrier: BranchBarrier,
  work: (tx: Tx) => Promise<T>,
) => Promise<T | undefined>;

/** `call`, and `join` in a transaction that is committed or rolled back as the documentation asks. */
export const RUNS: Readonly<Record<'call' | 'join', Run>> = {
  call: (fixture, barrier, work) => barrier.call(fixture.adapter(), work),
  async join(fixture, barrier, work) {
    const own = await fixture.begin();
    try {
      const result = await barrier.join(fixture.adapter(), own.tx, work);
      await own.commit();
      return result;
    } catch (error) {
      await own.rollback();
      throw error;
    }
  },
};

/** Does it again for as long as dtm would: after errors that say "retry". */
export async function retried<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof DtmBarrierError) || attempt === 100) throw error;
    }
  }
}

/** Waits for something to become true; the test's time limit ends it. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** A promise that is settled from outside. */
export interface Signal<T = void> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Makes a {@link Signal}; `Promise.withResolvers` is not in Node 20. */
export function signal<T = void>(): Signal<T> {
  let settle!: Pick<Signal<T>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
