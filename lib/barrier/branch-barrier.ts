import {
  DtmArgumentError,
  DtmBarrierError,
  DtmConfigError,
  DtmDuplicatedError,
  DtmError,
  MAX_OP_LENGTH,
  errorText,
  isTransType,
  parseGid,
  parseIdentifier,
  type BranchContext,
} from '../protocol/internal.js';
import { describeValue } from '../support/describe-value.js';
import type { BarrierAdapter, BarrierRow } from './barrier-adapter.js';
import { runInOwnTransaction } from './own-transaction.js';

/** The part of the branch context that identifies the rows of the barrier. */
export type BarrierContext = Pick<BranchContext, 'gid' | 'transType' | 'branchId' | 'op'>;

/** The forward operation that an operation of the second phase undoes. */
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
  /** Transaction, branch and operation of the request. */
  readonly context: BarrierContext;
  #calls = 0;

  /**
   * @param context - gid, transaction mode, branch id and operation of the request
   * @throws DtmArgumentError when a value is missing, too long for the table, or has characters that a database could change
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
   * Runs business code behind the barrier, in a transaction that the adapter opens. The transaction is committed when `work`
   * succeeds or is skipped, and rolled back when `work` fails.
   *
   * @param adapter - the database, for example `typeOrmBarrier(dataSource)`
   * @param work - business code; make all changes through the transaction that it receives
   * @returns the result of `work`, or `undefined` when it was skipped as a duplicate, a null compensation or a late action
   * @throws the error of `work`, unchanged, after the rollback
   * @throws DtmDuplicatedError when the operation is `msg` and was decided before
   * @throws DtmBarrierError when the database failed: the outcome is unknown, and dtm calls the branch again
   */
  call<Tx, T>(adapter: BarrierAdapter<Tx>, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    // before anything is awaited: the ids must follow the order of the calls
    return this.#callOwned(adapter, work, this.#nextRow());
  }

  /**
   * Runs business code behind the barrier in your own transaction, which it never ends. Commit when this resolves, also
   * after a skip: the row of a null compensation must be stored to stop the late action. Roll back when this rejects.
   *
   * @param adapter - adapter of the library that `tx` comes from
   * @param tx - your open transaction
   * @param work - business code; make all changes through the transaction
   * @returns the result of `work`, or `undefined` when it was skipped as a duplicate, a null compensation or a late action
   * @throws the error of `work`, unchanged
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
    this.#assertAdapter(adapter, 'call');
    const business: { failed?: { readonly error: unknown } | undefined } = {};
    const inside = async (tx: Tx): Promise<T | undefined> => {
      // a library can run the callback again, for example after a write conflict
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
      result = await runInOwnTransaction(adapter, row, inside);
    } catch (error) {
      // not `error` itself: a library can wrap the error of its callback
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
    this.#assertAdapter(adapter, 'join');
    try {
      await adapter.assertTransaction(tx);
    } catch (error) {
      throw this.#databaseError(adapter, 'check the transaction of join', error);
    }
    return this.#run(adapter, tx, work, row, false);
  }

  /** The algorithm of docs/protocol.md#barrier-algorithm. The owner of the transaction commits, even after a skip. */
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
      throw this.#databaseError(adapter, 'find its row after the business code', error);
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
    // a wrong guess would skip business code that never ran, or run it twice
    throw new DtmBarrierError(`insert() of the barrier adapter must return true or false, not ${String(inserted)}`, {
      gid: row.gid,
    });
  }

  /** A provider that was not injected, or the connection itself, would fail with an error about a method that no user knows. */
  #assertAdapter(adapter: BarrierAdapter<unknown> | undefined, method: string): void {
    if (typeof adapter?.insert === 'function') return;
    const { gid } = this.context;
    throw new DtmConfigError(
      `barrier.${method}() got ${describeValue(adapter)} in place of a barrier adapter; pass the adapter of the database first, such as typeOrmBarrier(dataSource)`,
      { gid },
    );
  }

  /** Wraps an error of an adapter, after which the outcome is unknown; returns errors of this package unchanged. */
  #databaseError<Tx>(adapter: BarrierAdapter<Tx>, action: string, error: unknown): DtmError {
    if (error instanceof DtmError) return error;
    const { gid, branchId, op } = this.context;
    const reason = adapter.describeError?.(error) ?? errorText(error);
    return new DtmBarrierError(
      `the barrier of ${gid}, branch ${branchId}, op ${op} could not ${action}: ${reason}; the coordinator will retry the branch`,
      { cause: error, gid },
    );
  }

  #nextRow(): BarrierRow {
    this.#calls += 1;
    return { ...this.context, barrierId: String(this.#calls).padStart(2, '0'), reason: this.context.op };
  }
}
