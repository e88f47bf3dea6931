import {
  pgBarrier,
  type BarrierTableOptions,
  type PgClient,
  type PgPool,
  type PgResult,
} from '../../barrier/pg/index.js';
import { DtmBarrierError, DtmConfigError } from '../../protocol/index.js';
import { oncePerPool } from '../once-per-pool.js';
import { LOCK_TIMEOUT_SECONDS, sqlXa } from '../sql-xa.js';
import type { XaAdapter, XaKey } from '../xa-adapter.js';
import type { XaConnection, XaConnectionState, XaDatabase } from '../xa-database.js';
import { XID_PREFIX, pgXid, quotePgXid, readPgXid } from './pg-xid.js';

/** A pool of connections: node-postgres `Pool`. */
export interface PgXaPool<Client> extends PgPool<Client> {
  /** Options that it was made with. */
  readonly options?: { readonly max?: number | undefined };
}

/** A client out of a pool. */
type PooledClient = PgClient & { release(error?: Error | boolean): void };

/** As many connections as a pool of node-postgres has unless told otherwise. */
const DEFAULT_CONNECTIONS = 10;

const UNDEFINED_OBJECT = '42704';
const LOCK_NOT_AVAILABLE = '55P03';
const CONFIGURATION_LIMIT_EXCEEDED = '53400';

/**
 * XA in PostgreSQL through node-postgres: `prepare transaction`, `commit prepared`. The server needs
 * `max_prepared_transactions` above 0.
 *
 * Each phase 1 has a client of the pool for itself, which goes back when the branch is prepared; all but one can be in use
 * so. Give it a pool that nothing else uses, since whatever waits for the locks of a prepared branch holds a connection.
 *
 * @param pool - `Pool` of node-postgres, of 2 connections or more
 * @param options - where the barrier table is
 * @throws DtmConfigError when `pool` is none, is too small, or the name of the table is not allowed
 *
 * @example
 * const xa = pgXa(new Pool({ connectionString, max: 10 }));
 */
export function pgXa<Client extends PgClient>(
  pool: PgXaPool<Client>,
  options?: BarrierTableOptions,
): XaAdapter<Client> {
  if (typeof pool?.connect !== 'function' || !('totalCount' in pool)) {
    throw new DtmConfigError(
      'pgXa needs a Pool of node-postgres: PGlite and a single Client cannot prepare transactions',
    );
  }
  const barrier = pgBarrier(pool, options);
  const onClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let isBroken = true;
    client.on?.('error', nothing);
    try {
      const result = await work(client);
      isBroken = false;
      return result;
    } catch (error) {
      isBroken = !isAnswer(error);
      throw error;
    } finally {
      client.removeListener?.('error', nothing);
      (client as Client & PooledClient).release(isBroken);
    }
  };
  const database: XaDatabase<Client> = {
    pool,
    connections: pool.options?.max ?? DEFAULT_CONNECTIONS,
    check: (branch) => void pgXid(branch),
    barrier: {
      ...barrier,
      transaction: (work) =>
        barrier.transaction(async (client) => {
          await client.query(`set local lock_timeout = '${LOCK_TIMEOUT_SECONDS}s'`);
          return work(client);
        }),
    },
    isLockTimeout: (error) => codeOf(error) === LOCK_NOT_AVAILABLE,
    async connect() {
      await checkServer(pool);
      return new PgXaConnection(await pool.connect());
    },
    decide: (branch, decision) =>
      onClient(async (client) => {
        try {
          await client.query(`${decision} prepared ${quotePgXid(pgXid(branch))}`);
          return true;
        } catch (error) {
          if (codeOf(error) === UNDEFINED_OBJECT) return false;
          throw error;
        }
      }),
    inDoubt: () =>
      onClient(async (client) => {
        const { rows } = await client.query(
          'select gid, extract(epoch from clock_timestamp() - prepared) as age from pg_prepared_xacts ' +
            'where database = current_database() and starts_with(gid, $1) order by prepared',
          [XID_PREFIX],
        );
        return (rows as { gid: string; age: string }[]).map(({ gid, age }) => ({
          ...readPgXid(gid),
          ageSeconds: Math.max(0, Number(age)),
        }));
      }),
  };
  return sqlXa(database);
}

/** A client that does the work of one branch. */
class PgXaConnection<Client extends PgClient> implements XaConnection<Client> {
  constructor(readonly tx: Client) {
    // a lost connection is reported by the next statement; without a listener its event would end the process
    tx.on?.('error', nothing);
  }

  async start(branch: XaKey) {
    const xid = pgXid(branch);
    await this.tx.query('begin isolation level read committed');
    // The lock is kept by what is prepared, so that only one transaction of these ids can be begun. It is asked for before
    // the row is inserted, which would wait for as long as the other is prepared.
    const { rows } = await this.tx.query('select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free', [xid]);
    const { rows: prepared } = await this.tx.query('select from pg_prepared_xacts where gid = $1', [xid]);
    if ((rows as { free: boolean }[])[0]?.free && prepared.length === 0) return 'started';
    await this.tx.query('rollback');
    return prepared.length > 0 ? 'prepared' : 'under way';
  }

  async prepare(branch: XaKey): Promise<void> {
    let result: PgResult;
    try {
      result = await this.tx.query(`prepare transaction ${quotePgXid(pgXid(branch))}`);
    } catch (error) {
      if (codeOf(error) !== CONFIGURATION_LIMIT_EXCEEDED) throw error;
      throw new DtmBarrierError(
        `XA branch ${branch.branchId} of ${branch.gid} could not be prepared: PostgreSQL has as many prepared transactions as ` +
          'max_prepared_transactions allows; raise it, and look for branches in doubt',
        { cause: error, gid: branch.gid },
      );
    }
    if (result.command !== 'PREPARE') {
      throw new Error(
        'the database rolled back instead: a statement of the business code failed and its error was swallowed, or the ' +
          'business code ended the transaction itself',
      );
    }
  }

  async rollback(): Promise<void> {
    await this.tx.query('rollback');
  }

  async release(state: XaConnectionState): Promise<void> {
    this.tx.removeListener?.('error', nothing);
    (this.tx as Client & PooledClient).release(state === 'unknown');
  }
}

const checkServer = oncePerPool(async (pool: PgXaPool<PgClient>) => {
  const client = (await pool.connect()) as PooledClient;
  let isBroken = true;
  try {
    const { rows } = await client.query("select current_setting('max_prepared_transactions')::int as most");
    isBroken = false;
    if ((rows as { most: number }[])[0]?.most === 0) {
      throw new DtmConfigError(
        'XA needs max_prepared_transactions above 0 in postgresql.conf, at least as many as branches can be prepared at a ' +
          'time; PostgreSQL must be started anew for it',
      );
    }
  } finally {
    client.release(isBroken);
  }
});

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/** Whether the server itself said it, on a connection that it goes on with. */
function isAnswer(error: unknown): boolean {
  const { severity } = error as { readonly severity?: unknown };
  return severity === 'ERROR';
}

function nothing(): void {}
