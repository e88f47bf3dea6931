import {
  isFinal,
  transactionBytes,
  type BranchRecord,
  type KvPage,
  type KvRecord,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
} from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, cutPage, nextPositionOf, parsePosition, takeBytes } from '../page.js';
import type {
  BranchLimits,
  ExpectedState,
  KvFilter,
  PruneResult,
  Store,
  UnfinishedCounts,
  WakeBatch,
  WakeFilter,
} from '../store.js';
import { isWaitingFor, mayWake } from '../wake-rules.js';

interface Entry {
  readonly id: number;
  transaction: TransactionRecord;
  branches: readonly BranchRecord[];
}

/** Stores transactions in memory, for tests and trials: everything is lost when the process ends. */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly name = 'memory (nothing survives the process)';
  readonly #entries = new Map<string, Entry>();
  readonly #unfinished = new Map<string, Entry>();
  readonly #kv = new Map<string, { readonly id: number; readonly record: KvRecord }>();
  #lastId = 0;

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async assertWritable(): Promise<void> {}

  findRisks(): readonly string[] {
    if (process.env['NODE_ENV'] !== 'production') return [];
    return [
      'the store is in memory: unfinished transactions are lost when the process ends; use sqliteStore, postgresStore or mysqlStore',
    ];
  }

  async create({ transaction, branches }: TransactionDetails): Promise<boolean> {
    if (this.#entries.has(transaction.gid)) return false;
    const entry = { id: ++this.#lastId, transaction, branches };
    this.#entries.set(transaction.gid, entry);
    this.#track(entry);
    return true;
  }

  async find(gid: string): Promise<TransactionDetails | undefined> {
    const entry = this.#entries.get(gid);
    return entry && { transaction: entry.transaction, branches: entry.branches };
  }

  async findRecord(gid: string): Promise<TransactionRecord | undefined> {
    return this.#entries.get(gid)?.transaction;
  }

  async addBranches(gid: string, transType: string, branches: readonly BranchRecord[], limits?: BranchLimits) {
    const entry = this.#entries.get(gid);
    if (entry?.transaction.status !== 'prepared' || entry.transaction.transType !== transType) return 'refused';
    const keys = new Set(entry.branches.map(keyOf));
    if (branches.some((branch) => keys.has(keyOf(branch)))) return 'duplicate';
    const all = [...entry.branches, ...branches];
    if (limits && all.length > limits.maxBranches) return 'tooMany';
    if (limits && transactionBytes(undefined, all) > limits.maxBytes) return 'tooLarge';
    entry.branches = all;
    return 'added';
  }

  async update(
    expected: ExpectedState,
    transaction: TransactionRecord,
    branches: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const entry = this.#entries.get(transaction.gid);
    if (entry?.transaction.status !== expected.status) return false;
    if (expected.owner !== undefined && entry.transaction.owner !== expected.owner) return false;
    entry.transaction = transaction;
    if (branches.size > 0) entry.branches = entry.branches.map((branch, index) => branches.get(index) ?? branch);
    this.#track(entry);
    return true;
  }

  async claim(
    now: number,
    owner: string,
    lease: (transaction: TransactionRecord) => number,
    limit: number,
    maxBytes: number = Infinity,
  ) {
    const due = [...this.#unfinished.values()]
      .filter((entry) => entry.transaction.nextCronTime <= now)
      .toSorted((a, b) => a.transaction.nextCronTime - b.transaction.nextCronTime)
      .slice(0, limit);
    return takeBytes(due, maxBytes, sizeOf).map((entry): TransactionDetails => {
      entry.transaction = { ...entry.transaction, owner, nextCronTime: lease(entry.transaction) };
      return { transaction: entry.transaction, branches: entry.branches };
    });
  }

  async list(filter: TransactionFilter): Promise<TransactionPage> {
    const limit = filter.limit ?? DEFAULT_PAGE_SIZE;
    const below = parsePosition(filter.position, Number.MAX_SAFE_INTEGER);
    const found = [...this.#entries.values()]
      .filter((entry) => entry.id < below && matchesFilter(entry.transaction, filter))
      .toReversed()
      .slice(0, limit);
    const { page, nextPosition } = cutPage(found, limit, ({ transaction }) => transactionBytes(transaction, []));
    return { transactions: page.map((entry) => entry.transaction), nextPosition };
  }

  async countUnfinished(limit: number): Promise<UnfinishedCounts> {
    const counts = { prepared: 0, submitted: 0, aborting: 0, attention: 0 };
    for (const { transaction } of [...this.#unfinished.values()].slice(0, limit)) {
      counts[transaction.status as 'prepared' | 'submitted' | 'aborting']++;
      if (transaction.attention !== undefined) counts.attention++;
    }
    return counts;
  }

  async wake(now: number, { gid, target, laterThan, leases, position, limit }: WakeFilter): Promise<WakeBatch> {
    const above = parsePosition(position, 0);
    // in the order of their creation
    const sleeping = [...this.#unfinished.values()].filter(
      (entry) =>
        entry.id > above &&
        mayWake(entry.transaction, leases) &&
        entry.transaction.nextCronTime > laterThan &&
        (!gid || entry.transaction.gid === gid) &&
        (target === undefined || isWaitingFor(entry, target)),
    );
    const woken = sleeping.slice(0, limit);
    for (const entry of woken) entry.transaction = { ...entry.transaction, nextCronTime: now };
    return { count: woken.length, nextPosition: nextPositionOf(woken, limit) };
  }

  async prune(before: number, position: string, limit: number): Promise<PruneResult> {
    const above = parsePosition(position, 0);
    const oldest = [...this.#entries.values()]
      .filter(({ id, transaction }) => id > above && transaction.createTime < before)
      .slice(0, limit);
    const old = oldest.filter(({ transaction }) => isFinal(transaction.status) && transaction.updateTime < before);
    for (const { transaction } of old) this.#entries.delete(transaction.gid);
    return { count: old.length, nextPosition: nextPositionOf(oldest, limit) };
  }

  async getKv(category: string, key: string): Promise<KvRecord | undefined> {
    return this.#kv.get(kvKey(category, key))?.record;
  }

  async putKv(record: KvRecord): Promise<boolean> {
    const key = kvKey(record.category, record.key);
    const stored = this.#kv.get(key);
    if (record.version !== (stored?.record.version ?? 0) + 1) return false;
    this.#kv.set(key, { id: stored?.id ?? ++this.#lastId, record });
    return true;
  }

  async deleteKv(category: string, key: string): Promise<boolean> {
    return this.#kv.delete(kvKey(category, key));
  }

  async listKv({ category, key, position, limit = DEFAULT_PAGE_SIZE }: KvFilter): Promise<KvPage> {
    const above = parsePosition(position, 0);
    const found = [...this.#kv.values()]
      .filter(
        ({ id, record }) => id > above && (!category || record.category === category) && (!key || record.key === key),
      )
      .slice(0, limit);
    const { page, nextPosition } = cutPage(found, limit, ({ record }) => record.value.length);
    return { records: page.map(({ record }) => record), nextPosition };
  }

  #track(entry: Entry): void {
    if (isFinal(entry.transaction.status)) this.#unfinished.delete(entry.transaction.gid);
    else this.#unfinished.set(entry.transaction.gid, entry);
  }
}

function sizeOf({ transaction, branches }: Entry): number {
  return transactionBytes(transaction, branches);
}

function kvKey(category: string, key: string): string {
  return `${category}\n${key}`;
}

function keyOf(branch: BranchRecord): string {
  return `${branch.branchId}\n${branch.op}`;
}

function matchesFilter(transaction: TransactionRecord, filter: TransactionFilter): boolean {
  const { gid, status, transType, attention, createTimeStart, createTimeEnd } = filter;
  return (
    (!attention || transaction.attention !== undefined) &&
    (!gid || transaction.gid === gid) &&
    (!status || transaction.status === status) &&
    (!transType || transaction.transType === transType) &&
    (!createTimeStart || transaction.createTime >= createTimeStart) &&
    (!createTimeEnd || transaction.createTime <= createTimeEnd)
  );
}
