import { ignoreErrorEvents, type PgClient, type PgResult, type PooledPgClient } from '../../barrier/pg/pg-client.js';
import { DtmBarrierError } from '../../protocol/internal.js';
import type { XaKey } from '../xa-adapter.js';
import type { XaConnection, XaConnectionState, XaStart } from '../xa-database.js';
import { sqlStateOf } from './pg-xa-pool.js';
import { pgXid, quotePgXid } from './pg-xid.js';

const CONFIGURATION_LIMIT_EXCEEDED = '53400';

/** A client for the first phase of one branch. */
export class PgXaConnection<Client extends PgClient> implements XaConnection<Client> {
  readonly #listenAgain: () => void;

  constructor(readonly tx: Client) {
    this.#listenAgain = ignoreErrorEvents(tx);
  }

  async start(branch: XaKey): Promise<XaStart> {
    const xid = pgXid(branch);
    await this.tx.query('begin isolation level read committed');
    // The prepared transaction keeps this lock, so only one transaction with these ids can start. Without it, the insert of
    // the barrier row would wait as long as the other transaction is prepared.
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
      if (sqlStateOf(error) !== CONFIGURATION_LIMIT_EXCEEDED) throw error;
      throw new DtmBarrierError(
        `XA branch ${branch.branchId} of ${branch.gid} could not be prepared: PostgreSQL has as many prepared transactions as ` +
          'max_prepared_transactions allows; raise it, and resolve branches in doubt',
        { cause: error, gid: branch.gid },
      );
    }
    if (result.command !== 'PREPARE') {
      throw new Error(
        'the database rolled back instead: the business code swallowed the error of a statement, or ended the transaction ' +
          'itself',
      );
    }
  }

  async rollback(): Promise<void> {
    await this.tx.query('rollback');
  }

  async release(state: XaConnectionState): Promise<void> {
    this.#listenAgain();
    (this.tx as Client & PooledPgClient).release(state === 'unknown');
  }
}
