import {
  isFinal,
  type BranchRecord,
  type TransactionDetails,
  type TransactionRecord,
} from '../../protocol/internal.js';
import type { BranchCalls, QueuedPass } from './calls/branch-calls.js';
import type { PassSlots } from './calls/retry-queue.js';
import { advance, type Step } from '../engine/advance.js';
import { MODES } from '../engine/modes.js';
import { INITIATOR, beginPass, type Answer, type Machine, type Pass } from '../engine/pass.js';
import type { Metrics } from '../environment/metrics.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';

/** Under which name a pass holds its transaction, and when that was stored last. */
type PassLease = Pick<TransactionRecord, 'owner' | 'updateTime'>;

/**
 * Executes what the engine decides: saves, then calls, then waits for answers, until the pass is over. At most one pass
 * for a transaction at a time.
 */
export class Runner {
  readonly #environment: CoordinatorEnvironment;
  readonly #calls: BranchCalls;
  readonly #metrics: Metrics;
  readonly #passes = new Map<string, Promise<TransactionDetails | undefined>>();
  readonly #leases = new Map<string, PassLease>();
  #isStopping = false;

  constructor(environment: CoordinatorEnvironment, calls: BranchCalls, metrics: Metrics) {
    this.#environment = environment;
    this.#calls = calls;
    this.#metrics = metrics;
  }

  /**
   * The pass under way for a transaction.
   *
   * @param gid - global id
   * @returns what {@link run} returned for it; undefined when there is none
   */
  current(gid: string): Promise<TransactionDetails | undefined> | undefined {
    return this.#passes.get(gid);
  }

  /**
   * Runs a pass over a transaction whose lease this process holds.
   *
   * @param details - as stored
   * @param turns - taken before each call. @default calls are made at once
   * @returns the transaction as the pass left it; undefined when somebody else changed it meanwhile
   * @throws DtmStoreError when the store failed: the transaction stays as it is stored and becomes due when its lease ends
   */
  run(details: TransactionDetails, turns?: PassSlots): Promise<TransactionDetails | undefined> {
    const { gid } = details.transaction;
    const before = this.#passes.get(gid);
    const pass = this.#runCounted(
      details,
      before ? this.#runAfter(before, details) : this.#run(details, turns),
    ).finally(() => {
      if (this.#passes.get(gid) === pass) this.#passes.delete(gid);
      if (!this.#passes.has(gid)) this.#leases.delete(gid);
      this.#calls.passEnded(gid, false);
    });
    this.#passes.set(gid, pass);
    return pass;
  }

  /**
   * Hands a lease that was taken anew to the pass under way, which may be slower than its own; nothing when the
   * transaction was changed since that pass stored it last, for then the pass must not store anything any more.
   *
   * @param transaction - as it is stored now, with the new owner
   * @param updateTime - of the transaction before the lease was taken
   * @returns the pass; undefined when there is none
   */
  renew(transaction: TransactionRecord, updateTime: number): Promise<TransactionDetails | undefined> | undefined {
    const { gid, owner } = transaction;
    const lease = this.#leases.get(gid);
    if (lease?.updateTime === updateTime) this.#leases.set(gid, { owner, updateTime: transaction.updateTime });
    return this.#passes.get(gid);
  }

  /** Starts no more calls, from this very moment; waits until the answers of those under way are stored. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#calls.stop();
    while (this.#passes.size > 0) await Promise.allSettled(this.#passes.values());
  }

  /** The pass before knows older data: it notices at its next write that it has lost the lease, and ends. */
  async #runAfter(
    before: Promise<unknown>,
    { transaction }: TransactionDetails,
  ): Promise<TransactionDetails | undefined> {
    await before.catch(() => undefined);
    const details = await this.#environment.store.find(transaction.gid);
    // while it waited the lease may have been lost as well
    return details && details.transaction.owner === transaction.owner ? this.#run(details) : details;
  }

  async #runCounted(
    { transaction }: TransactionDetails,
    pass: Promise<TransactionDetails | undefined>,
  ): Promise<TransactionDetails | undefined> {
    const { transType, createTime } = transaction;
    let isOk = false;
    try {
      const after = await pass;
      isOk = true;
      return after;
    } finally {
      this.#metrics.countPass(transType, isOk, (this.#environment.clock.now() - createTime) / 1000);
    }
  }

  async #run(details: TransactionDetails, turns?: PassSlots): Promise<TransactionDetails | undefined> {
    let isOver = false;
    let stored = details.transaction;
    const inTurn = turns && { slots: turns, stored: () => stored, isOver: () => isOver };
    try {
      return await this.#pass(details, inTurn, (now) => (stored = now));
    } finally {
      isOver = true;
    }
  }

  async #pass(
    details: TransactionDetails,
    inTurn: QueuedPass | undefined,
    onStored: (transaction: TransactionRecord) => void,
  ): Promise<TransactionDetails | undefined> {
    const { clock, settings } = this.#environment;
    const { transaction, branches } = details;
    const machine = MODES[transaction.transType].machine(transaction, branches.length, settings);
    const answers = new AnswerQueue<Answer>();
    let stored = details.transaction;
    this.#leases.set(stored.gid, stored);
    let pass: Pass = beginPass(details);
    let received: readonly Answer[] = [];
    for (;;) {
      const step = this.#advance(machine, pass, received, clock.now());
      if (step.save) {
        const next = step.pass.transaction;
        if (!(await this.#save(stored, next, step.changed))) return undefined;
        if (next.attention !== undefined && stored.attention === undefined) this.#reportAttention(next);
        stored = next;
        onStored(stored);
        this.#leases.set(stored.gid, stored);
      }
      pass = step.pass;
      if (step.over) {
        this.#calls.passEnded(stored.gid, isOnlyDeferred(pass));
        this.#report(pass.transaction);
        return { transaction: pass.transaction, branches: pass.branches };
      }
      received = [];
      if (step.reload) {
        pass = { ...pass, branches: (await this.#environment.store.find(stored.gid))?.branches ?? pass.branches };
        continue;
      }
      // stopped while it was saved: the next step leaves out what has not been called yet
      if (this.#isStopping && step.calls.length > 0) {
        pass = { ...pass, running: withoutCalls(step) };
        continue;
      }
      for (const index of step.calls) {
        const branch = index === INITIATOR ? machine.initiator?.(pass.transaction) : pass.branches[index];
        void this.#calls
          .call(pass.transaction, branch!, inTurn)
          .then((outcome) => answers.put({ branch: index, outcome }));
      }
      received = await answers.take();
    }
  }

  /** While stopping nothing is called any more: the pass ends as soon as nothing is under way, due again at once. */
  #advance(machine: Machine, pass: Pass, answers: readonly Answer[], now: number): Step {
    const step = advance(machine, pass, answers, now, this.#environment);
    if (!this.#isStopping || step.calls.length === 0) return step;
    const running = withoutCalls(step);
    const over = running.size === 0;
    const transaction = over
      ? { ...step.pass.transaction, owner: undefined, nextCronTime: now }
      : step.pass.transaction;
    return { ...step, pass: { ...step.pass, running, transaction }, calls: [], over, save: step.save || over };
  }

  #save(
    stored: TransactionRecord,
    next: TransactionRecord,
    changed: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const owner = this.#leases.get(stored.gid)?.owner ?? stored.owner;
    return this.#environment.store.update({ status: stored.status, owner }, next, changed);
  }

  #reportAttention({ gid, transType, status, attention }: TransactionRecord): void {
    this.#environment.logger.error('transaction needs attention', { gid, transType, status, attention });
  }

  #report(transaction: TransactionRecord): void {
    if (!isFinal(transaction.status) || transaction.status === 'succeed') return;
    const { gid, transType, rollbackReason } = transaction;
    this.#environment.logger.info('transaction was rolled back', { gid, transType, reason: rollbackReason });
  }
}

function isOnlyDeferred({ undecided }: Pass): boolean {
  return [...undecided.values()].every((why) => why === 'deferred');
}

function withoutCalls(step: Step): ReadonlySet<number> {
  const calls = new Set(step.calls);
  return new Set([...step.pass.running].filter((index) => !calls.has(index)));
}

/** Hands over what has arrived, waiting while it is empty. */
class AnswerQueue<T> {
  #items: T[] = [];
  #wake: (() => void) | undefined;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  async take(): Promise<readonly T[]> {
    if (this.#items.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
