import {
  DtmArgumentError,
  DtmBarrierError,
  DtmDuplicatedError,
  DtmError,
  MAX_OP_LENGTH,
  parseGid,
  parseIdentifier,
  errorText,
  isTransType,
  type BranchContext,
} from '../protocol/internal.js';
import type { BarrierAdapter, BarrierRow } from './barrier-adapter.js';

/** Who calls the branch, and for what: the part of the branch context that the barrier keys its rows by. */
export type BarrierContext = Pick<BranchContext, 'gid' | 'transType' | 'branchId' | 'op'>;

/** The forward operation that a phase-2 operation undoes. */
const ORIGIN_OPS: ReadonlyMap<string, string> = new Map([
  ['cancel', 'try'],
  ['compensate', 'action'],
  ['rollback', 'action'],
]);

/**
 * The sub-transaction barrier of one branch request. The business code runs at most once for each operation. It does not
 * run in a compensation whose action never took effect, nor in an action that arrives after its compensation. The barrier
 * commits its rows in the same database transaction as the business data.
 *
 * Make one object for each request. The n-th `call` or `join` of an action pairs with the n-th of its compensation, so
 * both handlers must use the barrier the same number of times and in the same order.
 *
 * @example
 * await barrier.call(typeOrmBarrier(dataSource), (manager) => accounts.debit(manager, transfer));
 */
export class BranchBarrier {
  /** Who calls the branch, and for what. */
  readonly context: BarrierContext;
  #calls = 0;

  /**
   * @param context - gid, transaction mode, branch id and operation of the request
   * @throws DtmArgumentError when a value is missing, too long for the table, or could be altered on its way
   */
  constructor(context: BarrierContext) {
    if (!isTransType(context.transType)) {
      throw new DtmArgumentError(`trans_type ${JSON.stringify(context.transType)} is not a transaction mode`);
    }
    this.context = Object.freeze({
      gid: parseGid(context.gid),
      transType: context.transType,
      branchId: parseIdentifier('branch_id', context.branchId),
      op: parseIdentifier('op', context.op, MAX_OP_LENGTH),
    });
  }

  /**
   * Runs business code behind the barrier in a transaction of its own: opened through the adapter, committed when `work`
   * succeeds or is skipped, rolled back when it fails.
   *
   * @param adapter - the database to use, e.g. `typeOrmBarrier(dataSource)`
   * @param work - business code; all its writes must go through the transaction that it is given
   * @returns the result of `work`, or `undefined` when it was skipped as a duplicate, a null compensation or a late action
   * @throws whatever `work` throws, unchanged, after the rollback
   * @throws DtmDuplicatedError when the operation is `msg` and was decided before
   * @throws DtmBarrierError when the database failed: nothing is known to have happened, and dtm calls the branch again
   */
  call<Tx, T>(adapter: BarrierAdapter<Tx>, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    // taken before anything is awaited: the pairing of ids must follow the order of the calls
    return this.#callOwned(adapter, work, this.#nextRow());
  }

  /**
   * Runs business code behind the barrier in the caller's open transaction, which is never committed nor rolled back
   * here. When this resolves the caller must commit, also after a skip, since the row of a null compensation is what
   * stops the late action; when it rejects the caller must roll back.
   *
   * @param adapter - adapter of the library that `tx` comes from
   * @param tx - the caller's open transaction
   * @param work - business code; all its writes must go through the transaction
   * @returns the result of `work`, or `undefined` when it was skipped as a duplicate, a null compensation or a late action
   * @throws whatever `work` throws, unchanged
   * @throws DtmArgumentError when `tx` is not an open transaction
   * @throws DtmDuplicatedError when the operation is `msg` and was decided before
   * @throws DtmBarrierError when the database failed: dtm calls the branch again
   */
  join<Tx, T>(adapter: BarrierAdapter<Tx>, tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    return this.#joinOpen(adapter, tx, work, this.#nextRow());
  }

  async #callOwned<Tx, T>(
    adapter: BarrierAdapter<Tx>,
    work: (tx: Tx) => Promise<T>,
    row: BarrierRow,
  ): Promise<T | undefined> {
    const business: { failed?: { readonly error: unknown } | undefined } = {};
    const inside = async (tx: Tx): Promise<T | undefined> => {
      // libraries may run the callback again, after a write conflict for example
      business.failed = undefined;
      try {
        return await this.#run(adapter, tx, work, row, true);
      } catch (error) {
        business.failed = { error };
        throw error;
      }
    };

    let result: T | undefined;
    try {
      result = await adapter.transaction(inside);
    } catch (error) {
      // not `error` itself: a library may wrap what its callback throws
      throw business.failed ? business.failed.error : this.#databaseError(adapter, 'run its transaction', error);
    }
    if (business.failed) throw business.failed.error;
    return result;
  }

  async #joinOpen<Tx, T>(
    adapter: BarrierAdapter<Tx>,
    tx: Tx,
    work: (tx: Tx) => Promise<T>,
    row: BarrierRow,
  ): Promise<T | undefined> {
    try {
      await adapter.assertTransaction(tx);
    } catch (error) {
      throw this.#databaseError(adapter, 'look at the transaction it was given', error);
    }
    return this.#run(adapter, tx, work, row, false);
  }

  /** The algorithm of docs/protocol.md#barrier-algorithm. The owner of the transaction commits, also after a skip. */
  async #run<Tx, T>(
    adapter: BarrierAdapter<Tx>,
    tx: Tx,
    work: (tx: Tx) => Promise<T>,
    row: BarrierRow,
    owned: boolean,
  ): Promise<T | undefined> {
    const originOp = ORIGIN_OPS.get(row.op);
    const originIsNew = originOp !== undefined && (await this.#insert(adapter, tx, { ...row, op: originOp }));
    const isNew = await this.#insert(adapter, tx, row);
    if (!isNew && row.op === 'msg') {
      throw new DtmDuplicatedError(`the message ${row.gid} was decided before`, { gid: row.gid });
    }
    if (!isNew || originIsNew) return undefined;

    const result = await work(tx);
    try {
      await adapter.verify?.(tx, row, owned);
    } catch (error) {
      throw this.#databaseError(adapter, 'make sure of its row after the business code', error);
    }
    return result;
  }

  async #insert<Tx>(adapter: BarrierAdapter<Tx>, tx: Tx, row: BarrierRow): Promise<boolean> {
    let inserted: unknown;
    try {
      inserted = await adapter.insert(tx, row);
    } catch (error) {
      throw this.#databaseError(adapter, 'insert its row', error);
    }
    if (typeof inserted === 'boolean') return inserted;
    // a guess would either skip business code that never ran or run it twice
    throw new DtmBarrierError(`the barrier adapter answered ${String(inserted)} to an insert, not true or false`, {
      gid: row.gid,
    });
  }

  /** Lets errors of the package through; anything else from an adapter leaves the outcome unknown. */
  #databaseError<Tx>(adapter: BarrierAdapter<Tx>, what: string, error: unknown): DtmError {
    if (error instanceof DtmError) return error;
    const { gid, branchId, op } = this.context;
    const reason = adapter.describeError?.(error) ?? errorText(error);
    return new DtmBarrierError(
      `the barrier of ${gid}, branch ${branchId}, op ${op} could not ${what}: ${reason}; dtm will retry the branch`,
      { cause: error, gid },
    );
  }

  #nextRow(): BarrierRow {
    this.#calls += 1;
    return { ...this.context, barrierId: String(this.#calls).padStart(2, '0'), reason: this.context.op };
  }
}
