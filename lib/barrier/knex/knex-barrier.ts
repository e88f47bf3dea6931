import type { Knex } from 'knex';
import { DtmConfigError } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import type { BarrierTableOptions, SqlDialectName } from '../sql/index.js';
import { libraryBarrier, type LibraryResult } from '../sql/library-barrier.js';

/** Clients of Knex with their database. */
const DIALECTS: ReadonlyMap<unknown, SqlDialectName> = new Map([
  ['pg', 'postgres'],
  ['mysql2', 'mysql'],
]);

/** Parts of a client of Knex that its types leave open. */
interface Client {
  readonly driverName?: unknown;
  readonly pool?: { readonly max?: number };
}

/** Result of a raw statement: that of `pg`, several of them, or that of `mysql2`. */
interface RawResult {
  readonly rowCount?: number;
  readonly rows?: Record<string, unknown>[];
}

/**
 * Creates a barrier adapter for Knex with the client `pg` or `mysql2`, on PostgreSQL, MySQL or MariaDB.
 *
 * @param knex - the instance, not a transaction
 * @param options - where the barrier table is
 * @throws DtmConfigError when the client is not supported, `knex` is a transaction, or the name of the table is not allowed
 *
 * @example
 * await barrier.call(knexBarrier(knex), (trx) => trx('account').where({ id }).decrement('balance', 30));
 */
export function knexBarrier(knex: Knex, options?: BarrierTableOptions): BarrierAdapter<Knex.Transaction> {
  if (typeof knex?.transaction !== 'function' || knex.isTransaction) {
    throw new DtmConfigError('knexBarrier needs an instance of Knex; pass a transaction to barrier.join instead');
  }
  const client = knex.client as Client;
  const dialect = DIALECTS.get(client.driverName);
  if (dialect === undefined) {
    throw new DtmConfigError(
      `knexBarrier does not support the client ${JSON.stringify(client.driverName)} of Knex; use one of ${[...DIALECTS.keys()].join(', ')}`,
    );
  }
  return libraryBarrier<Knex.Transaction>(
    {
      dialect,
      transactionHint: 'the transaction that knex.transaction() gives to its callback',
      // knex.client.pool does not exist before Knex is initialized, and can be replaced
      pool: {
        key: client,
        get connections() {
          return client.pool?.max ?? Infinity;
        },
      },
      transaction: (work) => knex.transaction(work, { isolationLevel: 'read committed' }),
      run: (trx, text, parameters) => (dialect === 'postgres' ? runPg : runMysql)(trx, text, parameters),
      isTransaction(tx) {
        const trx = tx as Knex.Transaction | null | undefined;
        return trx?.isTransaction === true && !trx.isCompleted();
      },
    },
    options,
  );
}

async function runPg(trx: Knex.Transaction, text: string, parameters: readonly string[]): Promise<LibraryResult> {
  const result = await trx.raw<RawResult>(text.replaceAll(/\$\d+/g, '?'), [...parameters]);
  return { affected: result.rowCount, rows: result.rows ?? [] };
}

async function runMysql(trx: Knex.Transaction, text: string, parameters: readonly string[]): Promise<LibraryResult> {
  const [answer] = await trx.raw<[unknown]>(text, [...parameters]);
  if (Array.isArray(answer)) return { affected: undefined, rows: answer as Record<string, unknown>[] };
  return { affected: (answer as { readonly affectedRows: number }).affectedRows, rows: [] };
}
