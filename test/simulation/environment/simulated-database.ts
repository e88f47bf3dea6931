import { DtmStoreError, isFinal, type TransactionDetails } from 'nestjs-dtm/protocol';
import { memoryStore, type Store } from 'nestjs-dtm/server';
import { READ_FAULTS, WRITE_FAULTS } from '../faults/faults.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';

/** Operations that change nothing; every other one of the port is a write. */
const READS: ReadonlySet<string> = new Set(['find', 'list', 'getKv', 'listKv']);

/** Longest time for one way between a coordinator and its database, as long as nothing is wrong. */
const LATENCY_MS = 8;

/** Whom the database tells what became durable. */
export interface DatabaseObserver {
  /** A transaction changed; `before` is undefined when it is new. */
  wrote(operation: string, process: Process, before: TransactionDetails | undefined, after: TransactionDetails): void;
  /** A transaction was deleted. */
  deleted(process: Process, before: TransactionDetails): void;
  /** A process could not store what it did to a transaction, and gives it up. */
  overtaken(process: Process, gid: string): void;
  /** The pace of things changed: a write was refused, took long, or made transactions due. */
  disturbed(reason: string): void;
}

/**
 * `exclusive`: one coordinator at a time, writes are kept in the order they were made, and whoever opens it next releases
 * all leases, as the SQLite store does. `shared`: a database server; operations overtake each other, and what a process
 * sent off is still executed when the process is dead.
 */
export type DatabaseKind = 'exclusive' | 'shared';

interface Pending {
  readonly process: Process;
  readonly apply: () => Promise<void>;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * A database under one or more coordinators. A write is durable at a moment of its own, its process hears of it later, or
 * never; only what is durable is there for reads and after a crash.
 */
export class SimulatedDatabase {
  /** Until this time everything that is written is refused. */
  refusesUntil = 0;
  /** Until this time everything takes seconds. */
  isSlowUntil = 0;
  readonly #simulation: Simulation;
  readonly #kind: DatabaseKind;
  readonly #observer: DatabaseObserver;
  /** What is durable. */
  readonly #durable = memoryStore();
  readonly #details = new Map<string, TransactionDetails>();
  #dueTime: number | undefined;
  /** Exclusive: writes on their way to the disk, in order. */
  #queue: Pending[] = [];
  #flushTime = 0;

  constructor(simulation: Simulation, kind: DatabaseKind, observer: DatabaseObserver) {
    this.#simulation = simulation;
    this.#kind = kind;
    this.#observer = observer;
  }

  /** How many transactions there are. */
  get size(): number {
    return this.#details.size;
  }

  /** When the first transaction is due, by the clocks of coordinators. */
  get dueTime(): number {
    if (this.#dueTime !== undefined) return this.#dueTime;
    let time = Infinity;
    for (const { transaction } of this.#details.values()) {
      if (!isFinal(transaction.status)) time = Math.min(time, transaction.nextCronTime);
    }
    this.#dueTime = time;
    return time;
  }

  /** The store as one process sees it. */
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

  /** Exclusive: it belongs to a new process now, so whoever held a lease is gone. */
  async open(process: Process): Promise<void> {
    if (this.#kind === 'shared') return;
    for (const { transaction } of this.#details.values()) {
      if (!transaction.owner || isFinal(transaction.status)) continue;
      const released = { ...transaction, owner: undefined, nextCronTime: 0 };
      await this.#apply(process, 'update', [{ status: transaction.status }, released, new Map()]);
    }
  }

  /**
   * A process has died: of what it sent off, nothing, all, or a part of it becomes durable. On a disk that is a part from
   * the beginning, for a write that was cut off is not read again.
   */
  async lose(process: Process): Promise<void> {
    if (this.#kind === 'shared') return;
    const queue = this.#queue;
    this.#queue = [];
    const kept = this.#simulation.dice.below(queue.length + 1);
    if (queue.length > 0) this.#simulation.happened(kept < queue.length ? 'torn tail' : 'kept tail', process);
    for (const pending of queue.slice(0, kept)) await pending.apply();
  }

  async #read(process: Process, operation: string, args: readonly unknown[]): Promise<unknown> {
    const { scheduler } = this.#simulation;
    const fault = this.#simulation.fault(READ_FAULTS, process);
    if (fault === 'slow read') this.#observer.disturbed(fault);
    const isRefused = fault === 'read refused' || (this.#kind === 'shared' && this.refusesUntil > scheduler.now);
    return new Promise((resolve, reject) => {
      scheduler.after(this.#latency(fault), undefined, async () => {
        const result = await this.#call(operation, args);
        scheduler.after(this.#latency(), process, () => {
          if (isRefused) reject(new DtmStoreError('the database cannot be reached'));
          else resolve(result);
        });
      });
    });
  }

  #write(process: Process, operation: string, args: readonly unknown[]): Promise<unknown> {
    const { scheduler } = this.#simulation;
    const kinds = this.#kind === 'shared' ? WRITE_FAULTS : WRITE_FAULTS.filter((kind) => kind !== 'commit unknown');
    const fault = this.#simulation.fault(kinds, process);
    if (fault === 'slow write') this.#observer.disturbed(fault);
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        if (operation === 'update') this.#observer.overtaken(process, (args[1] as { gid: string }).gid);
        reject(new DtmStoreError('the database refused'));
      };
      // a disk in the same process is heard of at once, and in order
      const answer = (settle: () => void): void =>
        void (this.#kind === 'exclusive' ? settle() : scheduler.after(this.#latency(), process, settle));
      const apply = async (): Promise<void> => {
        if (fault === 'crash before write') return process.kill();
        if (fault === 'write refused' || this.refusesUntil > scheduler.now) {
          this.#simulation.log(process.name, `${operation} refused`);
          this.#observer.disturbed('write refused');
          return answer(refuse);
        }
        const result = await this.#apply(process, operation, args);
        if (fault === 'crash after write') return process.kill();
        if (fault === 'commit unknown') this.#observer.disturbed('commit unknown');
        return answer(fault === 'commit unknown' ? refuse : () => resolve(result));
      };
      this.#sendOff({ process, apply }, this.#latency(fault));
    });
  }

  #sendOff(pending: Pending, latency: number): void {
    const { scheduler, dice } = this.#simulation;
    if (this.#kind === 'shared') {
      const { process } = pending;
      scheduler.after(latency, undefined, () => {
        if (process.isAlive) return pending.apply();
        if (dice.chance(0.5)) return undefined;
        this.#simulation.happened('write of a dead process', process);
        return pending.apply();
      });
      return;
    }
    this.#queue.push(pending);
    // a write waits for those before it, and takes those behind it along
    this.#flushTime = Math.max(this.#flushTime, scheduler.now + latency);
    scheduler.after(this.#flushTime - scheduler.now, pending.process, () => this.#flush());
  }

  async #flush(): Promise<void> {
    const group = this.#queue;
    this.#queue = [];
    for (const pending of group) {
      await pending.apply();
      // what was behind it died with its process
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
    if (operation === 'wake' && changes > 0) this.#observer.disturbed('wake');
    if (operation === 'update' && result === false) {
      const { gid } = args[1] as TransactionDetails['transaction'];
      this.#simulation.log(process.name, `update: ${gid} is not what it was`);
      this.#observer.overtaken(process, gid);
    }
    return result;
  }

  /** The transactions that a write may have changed; of a write that is not known here, all. */
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
    const { dice, scheduler } = this.#simulation;
    const isSlow = fault?.startsWith('slow') || this.isSlowUntil > scheduler.now;
    return isSlow ? dice.between(500, 20_000) : dice.below(LATENCY_MS);
  }
}
