import { DtmStoreError, isFinal, type TransactionDetails } from 'nestjs-dtm/protocol';
import { memoryStore, type Store } from 'nestjs-dtm/server';
import { READ_FAULTS, WRITE_FAULTS } from '../faults/faults.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';

/** Read operations; all other operations of the port are writes. */
const READS: ReadonlySet<string> = new Set(['find', 'list', 'getKv', 'listKv']);

/** Longest latency of one direction between coordinator and database without faults. */
const LATENCY_MS = 8;

/** Is notified of durable changes. */
export interface DatabaseObserver {
  /** A transaction changed; `before` is undefined when it is new. */
  wrote(operation: string, process: Process, before: TransactionDetails | undefined, after: TransactionDetails): void;
  /** A transaction was deleted. */
  deleted(process: Process, before: TransactionDetails): void;
  /** A process could not store its update of a transaction and abandons the transaction. */
  abandoned(process: Process, gid: string): void;
  /** Timing changed: a write was refused or slow, or made transactions due. */
  timingChanged(reason: string): void;
}

/**
 * `exclusive`: one coordinator at a time; writes keep their order; opening the database releases all leases, as in the
 * SQLite store. `shared`: a database server; operations overtake each other, and the server may execute a write after the
 * death of the process that sent it.
 */
export type DatabaseKind = 'exclusive' | 'shared';

interface Pending {
  readonly process: Process;
  readonly apply: () => Promise<void>;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * A database of one or more coordinators. A write becomes durable first; its process learns of it later, or never. Reads
 * and restarted processes see durable data only.
 */
export class SimulatedDatabase {
  /** Writes are refused until this time. */
  refusesUntil = 0;
  /** All operations take seconds until this time. */
  isSlowUntil = 0;
  readonly #simulation: Simulation;
  readonly #kind: DatabaseKind;
  readonly #observer: DatabaseObserver;
  /** Durable data. */
  readonly #durable = memoryStore();
  readonly #details = new Map<string, TransactionDetails>();
  #dueTime: number | undefined;
  /** Exclusive: writes that are queued for the disk, in order. */
  #queue: Pending[] = [];
  #flushTime = 0;

  constructor(simulation: Simulation, kind: DatabaseKind, observer: DatabaseObserver) {
    this.#simulation = simulation;
    this.#kind = kind;
    this.#observer = observer;
  }

  /** Number of stored transactions. */
  get size(): number {
    return this.#details.size;
  }

  /** Time at which the first transaction is due, by coordinator clocks. */
  get dueTime(): number {
    if (this.#dueTime !== undefined) return this.#dueTime;
    let time = Infinity;
    for (const { transaction } of this.#details.values()) {
      if (!isFinal(transaction.status)) time = Math.min(time, transaction.nextCronTime);
    }
    this.#dueTime = time;
    return time;
  }

  /** The store of one process. */
  connect(process: Process): Store {
    const { name, open, close } = this.#durable;
    const own: Partial<Record<string, unknown>> = { name, open, close };
    return new Proxy(this.#durable, {
      get: (_, operation: string) =>
        own[operation] ??
        ((...args: unknown[]) => {
          if (!process.isAlive) return new Promise(() => undefined);
          return READS.has(operation) ? this.#read(process, operation, args) : this.#write(process, operation, args);
        }),
    });
  }

  /** Exclusive: a new process owns the database now, so the open releases all leases. */
  async open(process: Process): Promise<void> {
    if (this.#kind === 'shared') return;
    for (const { transaction } of this.#details.values()) {
      if (!transaction.owner || isFinal(transaction.status)) continue;
      const released = { ...transaction, owner: undefined, nextCronTime: 0 };
      await this.#apply(process, 'update', [{ status: transaction.status }, released, new Map()]);
    }
  }

  /**
   * Handles the death of a process: none, some or all of its queued writes become durable. Those are the first ones of the
   * queue, because recovery stops at an incomplete write.
   */
  async dropWrites(process: Process): Promise<void> {
    if (this.#kind === 'shared') return;
    const queue = this.#queue;
    this.#queue = [];
    const kept = this.#simulation.random.below(queue.length + 1);
    if (queue.length > 0)
      this.#simulation.happened(kept < queue.length ? 'queued writes lost' : 'queued writes kept', process);
    for (const pending of queue.slice(0, kept)) await pending.apply();
  }

  async #read(process: Process, operation: string, args: readonly unknown[]): Promise<unknown> {
    const { scheduler } = this.#simulation;
    const fault = this.#simulation.fault(READ_FAULTS, process);
    if (fault === 'slow read') this.#observer.timingChanged(fault);
    const isRefused = fault === 'read refused' || (this.#kind === 'shared' && this.refusesUntil > scheduler.now);
    return new Promise((resolve, reject) => {
      scheduler.after(this.#latency(fault), undefined, async () => {
        const result = await this.#call(operation, args);
        scheduler.after(this.#latency(), process, () => {
          if (isRefused) reject(new DtmStoreError('the database is unreachable'));
          else resolve(result);
        });
      });
    });
  }

  #write(process: Process, operation: string, args: readonly unknown[]): Promise<unknown> {
    const { scheduler } = this.#simulation;
    const kinds = this.#kind === 'shared' ? WRITE_FAULTS : WRITE_FAULTS.filter((kind) => kind !== 'commit unknown');
    const fault = this.#simulation.fault(kinds, process);
    if (fault === 'slow write') this.#observer.timingChanged(fault);
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        if (operation === 'update') this.#observer.abandoned(process, (args[1] as { gid: string }).gid);
        reject(new DtmStoreError('the database refused'));
      };
      // a disk of the same process answers at once and in order
      const answer = (settle: () => void): void =>
        void (this.#kind === 'exclusive' ? settle() : scheduler.after(this.#latency(), process, settle));
      const apply = async (): Promise<void> => {
        if (fault === 'crash before write') return process.kill();
        if (fault === 'write refused' || this.refusesUntil > scheduler.now) {
          this.#simulation.log(process.name, `${operation} refused`);
          this.#observer.timingChanged('write refused');
          return answer(refuse);
        }
        const result = await this.#apply(process, operation, args);
        if (fault === 'crash after write') return process.kill();
        if (fault === 'commit unknown') this.#observer.timingChanged('commit unknown');
        return answer(fault === 'commit unknown' ? refuse : () => resolve(result));
      };
      this.#enqueue({ process, apply }, this.#latency(fault));
    });
  }

  #enqueue(pending: Pending, latency: number): void {
    const { scheduler, random } = this.#simulation;
    if (this.#kind === 'shared') {
      const { process } = pending;
      scheduler.after(latency, undefined, () => {
        if (process.isAlive) return pending.apply();
        if (random.chance(0.5)) return undefined;
        this.#simulation.happened('write after process death', process);
        return pending.apply();
      });
      return;
    }
    this.#queue.push(pending);
    // group commit: a write waits for earlier writes and is flushed with later ones
    this.#flushTime = Math.max(this.#flushTime, scheduler.now + latency);
    scheduler.after(this.#flushTime - scheduler.now, pending.process, () => this.#flush());
  }

  async #flush(): Promise<void> {
    const group = this.#queue;
    this.#queue = [];
    for (const pending of group) {
      await pending.apply();
      // the later writes died with their process
      if (!pending.process.isAlive) return;
    }
  }

  async #apply(process: Process, operation: string, args: readonly unknown[]): Promise<unknown> {
    const result = await this.#call(operation, args);
    let changes = 0;
    for (const gid of this.#touched(operation, args, result)) {
      const before = this.#details.get(gid);
      const after = await this.#durable.find(gid);
      if (!after && before) {
        this.#details.delete(gid);
        this.#observer.deleted(process, before);
      }
      if (!after || (before?.transaction === after.transaction && before.branches === after.branches)) continue;
      changes += 1;
      this.#dueTime = undefined;
      this.#details.set(gid, after);
      this.#observer.wrote(operation, process, before, after);
    }
    if (operation === 'wake' && changes > 0) this.#observer.timingChanged('wake');
    if (operation === 'update' && result === false) {
      const { gid } = args[1] as TransactionDetails['transaction'];
      this.#simulation.log(process.name, `update: ${gid} was changed concurrently`);
      this.#observer.abandoned(process, gid);
    }
    return result;
  }

  /** Transactions that a write may have changed; all transactions for an unknown operation. */
  #touched(operation: string, args: readonly unknown[], result: unknown): readonly string[] {
    switch (operation) {
      case 'create':
        return [(args[0] as TransactionDetails).transaction.gid];
      case 'update':
        return [(args[1] as TransactionDetails['transaction']).gid];
      case 'addBranches':
        return [args[0] as string];
      case 'claim':
        return (result as TransactionDetails[]).map(({ transaction }) => transaction.gid);
      case 'putKv':
      case 'deleteKv':
        return [];
      default:
        return [...this.#details.keys()];
    }
  }

  #call(operation: string, args: readonly unknown[]): Promise<unknown> {
    return (this.#durable[operation as keyof Store] as Call).apply(this.#durable, [...args]);
  }

  #latency(fault?: string): number {
    const { random, scheduler } = this.#simulation;
    const isSlow = fault?.startsWith('slow') || this.isSlowUntil > scheduler.now;
    return isSlow ? random.between(500, 20_000) : random.below(LATENCY_MS);
  }
}
