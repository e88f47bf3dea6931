import {
  DtmError,
  DtmStoreError,
  transactionBytes,
  type BranchRecord,
  type KvPage,
  type KvRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
  type TransType,
} from '../../../protocol/internal.js';
import { closedError } from '../closed-error.js';
import type {
  AddBranchesResult,
  BranchLimits,
  ExpectedState,
  KvFilter,
  PruneResult,
  Store,
  UnfinishedCounts,
  WakeBatch,
  WakeFilter,
} from '../store.js';
import { deleteKv, findKv, listKv, putKv } from './kv.js';
import { pruneTransactions, wakeTransactions } from './maintenance.js';
import type { Registration, SqlDatabase, Update } from './sql-database.js';
import { SqlFailure } from './sql-failure.js';
import { claimTransactions, countUnfinished, findRecord, findTransaction, listTransactions } from './transactions.js';
import { withRetries } from './with-retries.js';
import { WriteGroups, type GroupedWrite } from './write-groups.js';

type Write =
  | (GroupedWrite & { readonly kind: 'create'; readonly details: TransactionDetails })
  | (GroupedWrite & { readonly kind: 'addBranches'; readonly registration: Registration })
  | (GroupedWrite & { readonly kind: 'update'; readonly update: Update });

/** A store in a database that several coordinators, Go dtm included, can share. */
export class SqlStore implements Store {
  readonly name: string;
  readonly isShared = true;
  readonly #database: SqlDatabase;
  readonly #groups: WriteGroups<Write>;
  readonly #running = new Set<Promise<unknown>>();
  #isOpen = false;
  #transition: Promise<unknown> = Promise.resolve();

  constructor(database: SqlDatabase) {
    this.name = database.name;
    this.#database = database;
    this.#groups = new WriteGroups((group) => this.#writeGroup(group), database.maxConnections);
  }

  open(): Promise<void> {
    return this.#afterTransition(async () => {
      if (this.#isOpen) return;
      try {
        await this.#database.open();
      } catch (error) {
        await this.#database.close();
        throw this.#translateError(error);
      }
      this.#isOpen = true;
    });
  }

  close(): Promise<void> {
    // refuses new writes before the running ones are awaited
    this.#isOpen = false;
    return this.#afterTransition(async () => {
      this.#isOpen = false;
      await this.#groups.drain();
      await Promise.allSettled(this.#running);
      await this.#database.close();
    });
  }

  /** The server refuses even a write to no row when it cannot write. */
  async assertWritable(): Promise<void> {
    const { global } = this.#database.dialect.tables;
    await this.#runWork(() => this.#database.execute(`update ${global} set owner = owner where id < 0`));
  }

  create(details: TransactionDetails): Promise<boolean> {
    const { gid } = details.transaction;
    return this.#write({ kind: 'create', gid, size: estimateSize(details.transaction, details.branches), details });
  }

  async addBranches(
    gid: string,
    transType: TransType,
    branches: readonly BranchRecord[],
    limits?: BranchLimits,
  ): Promise<AddBranchesResult> {
    const registration = { gid, transType, branches, limits };
    return this.#write({ kind: 'addBranches', gid, size: estimateSize(undefined, branches), registration });
  }

  update(
    expected: ExpectedState,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const update = { expected, transaction, branches: [...branches.values()] };
    return this.#write({
      kind: 'update',
      gid: transaction.gid,
      size: estimateSize(transaction, update.branches),
      update,
    });
  }

  find(gid: string): Promise<TransactionDetails | undefined> {
    return this.#read(() => findTransaction(this.#database, gid));
  }

  findRecord(gid: string): Promise<TransactionRecord | undefined> {
    return this.#read(() => findRecord(this.#database, gid));
  }

  countUnfinished(limit: number): Promise<UnfinishedCounts> {
    return this.#read(() => countUnfinished(this.#database, limit));
  }

  list(filter: TransactionFilter): Promise<TransactionPage> {
    return this.#read(() => listTransactions(this.#database, filter));
  }

  claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
    maxBytes: number = Infinity,
    application?: string,
  ): Promise<TransactionDetails[]> {
    return this.#runWork(() => claimTransactions(this.#database, { now, owner, lease, limit, maxBytes, application }));
  }

  wake(now: number, filter: WakeFilter): Promise<WakeBatch> {
    return this.#runWork(() => wakeTransactions(this.#database, now, filter));
  }

  prune(before: number, position: string, limit: number): Promise<PruneResult> {
    return this.#runWork(() => pruneTransactions(this.#database, before, position, limit));
  }

  getKv(category: string, key: string): Promise<KvRecord | undefined> {
    return this.#read(() => findKv(this.#database, category, key));
  }

  putKv(record: KvRecord): Promise<boolean> {
    return this.#runWork(() => putKv(this.#database, record));
  }

  deleteKv(category: string, key: string): Promise<boolean> {
    return this.#runWork(() => deleteKv(this.#database, category, key));
  }

  listKv(filter: KvFilter): Promise<KvPage> {
    return this.#read(() => listKv(this.#database, filter));
  }

  async #write<T>(write: Write): Promise<T> {
    this.#assertOpen();
    return this.#groups.add<T>(write);
  }

  /**
   * Writes a group. When the group fails, its writes run one by one, so that only the invalid write fails. When the
   * connection is lost or the server is unreachable, all of them fail.
   */
  async #writeGroup(group: readonly Write[]): Promise<readonly PromiseSettledResult<unknown>[]> {
    try {
      const results = await withRetries(() => this.#run(group));
      return results.map((value) => ({ status: 'fulfilled', value }));
    } catch (error) {
      const isPointless = error instanceof SqlFailure && (error.kind === 'lost' || error.kind === 'unreachable');
      if (group.length > 1 && !isPointless) {
        return (await Promise.all(group.map((write) => this.#writeGroup([write])))).flat();
      }
      if (group[0]!.kind === 'addBranches' && error instanceof SqlFailure && error.kind === 'duplicate') {
        return [{ status: 'fulfilled', value: 'duplicate' }];
      }
      const reason = this.#translateError(error);
      return group.map(() => ({ status: 'rejected', reason }));
    }
  }

  #run(group: readonly Write[]): Promise<unknown[]> {
    const database = this.#database;
    switch (group[0]!.kind) {
      case 'create':
        return database.create(group.flatMap((write) => (write.kind === 'create' ? [write.details] : [])));
      case 'addBranches':
        return database.addBranches(
          group.flatMap((write) => (write.kind === 'addBranches' ? [write.registration] : [])),
        );
      case 'update':
        return database.update(group.flatMap((write) => (write.kind === 'update' ? [write.update] : [])));
    }
  }

  /** Reads are repeated once, because an idle connection may have been closed. */
  #read<T>(work: () => Promise<T>): Promise<T> {
    return this.#runWork(() =>
      work().catch((error: unknown) => {
        if (error instanceof SqlFailure && error.kind === 'lost') return work();
        throw error;
      }),
    );
  }

  async #runWork<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const result = withRetries(work);
    this.#running.add(result);
    try {
      return await result;
    } catch (error) {
      throw this.#translateError(error);
    } finally {
      this.#running.delete(result);
    }
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw closedError();
  }

  /** Opening and closing run one after the other. */
  #afterTransition(work: () => Promise<void>): Promise<void> {
    const transition = this.#transition.then(work);
    this.#transition = transition.catch(() => undefined);
    return transition;
  }

  #translateError(error: unknown): unknown {
    if (error instanceof DtmError || !(error instanceof SqlFailure)) return error;
    const reason = error.message;
    const messages = {
      unreachable: `cannot be reached (${reason}); start the server, or correct address, user and password; nothing was stored`,
      lost: `was lost before it answered (${reason}); the outcome is unknown, check it before you try again`,
      interrupted: `was lost before it answered (${reason}); nothing was stored, try again`,
      conflict: `could not lock the rows because of concurrent writes (${reason}); nothing was stored, try again`,
      duplicate: `contains this record already (${reason}); nothing was stored`,
      refused: `refused (${reason}); nothing was stored`,
    };
    const isOutcomeUnknown = error.kind === 'lost';
    return new DtmStoreError(`${this.name} ${messages[error.kind]}`, { cause: error.cause, isOutcomeUnknown });
  }
}

/** Estimates the bytes of a write. */
function estimateSize(transaction: TransactionRecord | undefined, branches: readonly BranchRecord[]): number {
  return 500 + 200 * branches.length + transactionBytes(transaction, branches);
}
