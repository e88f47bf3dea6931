import type { BranchRecord, TransactionDetails, TransactionRecord } from '../../protocol/internal.js';
import { advance, type Step } from '../engine/advance.js';
import { MODES } from '../engine/modes.js';
import { INITIATOR, beginPass, nextRound, type Answer, type Machine, type Pass } from '../engine/pass.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Metrics } from '../environment/metrics.js';
import { AnswerQueue } from './answer-queue.js';
import { nextTurn } from '../../support/next-turn.js';
import { reportAttention, reportRollback } from './transaction-reports.js';
import type { BranchCalls, QueuedPass } from './calls/branch-calls.js';
import type { PassSlots } from './calls/retry-queue.js';

/**
 * Number of branches above which a pass gathers answers, and starts its calls in parts. A step looks at every branch: a step for
 * each of thousands of answers that arrive together would block the event loop for seconds.
 */
const LARGE = 200;

/** The lease of a running pass: its owner and the time of the last write. */
type PassLease = Pick<TransactionRecord, 'owner' | 'updateTime'>;

/** The waiting request or the recovery slots that a pass belongs to. */
export interface PassOptions {
  /** Slots for the calls of a pass of recovery. @default calls are made at once */
  readonly slots?: PassSlots | undefined;
  /** An initiator waits: attempts that are due by then, UTC milliseconds, are made in the pass. @default none waits */
  readonly retryUntil?: number | undefined;
  /** See {@link Pass.isFirst}. @default false */
  readonly isFirst?: boolean | undefined;
  /** See {@link Pass.notExecuted}. @default none */
  readonly notExecuted?: ReadonlySet<string> | undefined;
}

/**
 * Executes the steps of the engine: saves, then calls branches, then waits for answers, until the pass is over. Runs at most
 * one pass for a transaction at a time: docs/protocol.md#passes.
 */
export class Runner {
  readonly #environment: CoordinatorEnvironment;
  readonly #calls: BranchCalls;
  readonly #metrics: Metrics;
  readonly #passes = new Map<string, Promise<TransactionDetails | undefined>>();
  readonly #leases = new Map<string, PassLease>();
  readonly #pauseEnds = new Set<() => void>();
  /** Ends of the pauses that wait for a pass, by gid. */
  readonly #awaited = new Map<string, Set<() => void>>();
  #isStopping = false;

  constructor(environment: CoordinatorEnvironment, calls: BranchCalls, metrics: Metrics) {
    this.#environment = environment;
    this.#calls = calls;
    this.#metrics = metrics;
  }

  /** The runner starts no more calls. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * The running pass of a transaction.
   *
   * @returns what {@link run} returned for it; undefined when no pass is running
   */
  current(gid: string): Promise<TransactionDetails | undefined> | undefined {
    return this.#passes.get(gid);
  }

  /**
   * Runs a pass over a transaction whose lease this process holds.
   *
   * @param details - as stored
   * @param options - the waiting request, or the slots of recovery
   * @returns the transaction at the end of the pass; undefined when another pass or an operator changed it meanwhile
   * @throws DtmStoreError when the store failed: the transaction becomes due again at the end of its lease
   */
  run(details: TransactionDetails, options: PassOptions = {}): Promise<TransactionDetails | undefined> {
    const { gid } = details.transaction;
    const before = this.#passes.get(gid);
    const pass = this.#runCounted(
      details,
      before ? this.#runAfter(before, details, options) : this.#run(details, options),
    ).finally(() => {
      if (this.#passes.get(gid) === pass) this.#passes.delete(gid);
      if (!this.#passes.has(gid)) this.#leases.delete(gid);
      this.#calls.passEnded(gid, false);
    });
    this.#passes.set(gid, pass);
    for (const end of this.#awaited.get(gid) ?? []) end();
    return pass;
  }

  /**
   * Hands a new lease to the running pass, whose own lease may have expired. Does nothing when the transaction was changed
   * since the last write of the pass: the pass must not store anything then.
   *
   * @param transaction - as stored now, with the new owner
   * @param updateTime - of the transaction before the lease was taken
   * @returns the running pass; undefined when no pass is running
   */
  renew(transaction: TransactionRecord, updateTime: number): Promise<TransactionDetails | undefined> | undefined {
    const { gid, owner } = transaction;
    const lease = this.#leases.get(gid);
    if (lease?.updateTime === updateTime) this.#leases.set(gid, { owner, updateTime: transaction.updateTime });
    return this.#passes.get(gid);
  }

  /** Starts no more calls; waits until the answers to running calls are stored. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#calls.stop();
    for (const end of this.#pauseEnds) end();
    while (this.#passes.size > 0) await Promise.allSettled(this.#passes.values());
  }

  /**
   * Waits for the previous pass. That pass has older data; its next write fails because it has lost the lease, and the
   * pass ends.
   */
  async #runAfter(
    before: Promise<unknown>,
    { transaction }: TransactionDetails,
    { retryUntil }: PassOptions,
  ): Promise<TransactionDetails | undefined> {
    await before.catch(() => undefined);
    const details = await this.#environment.store.find(transaction.gid);
    // the lease may have been lost during the wait, too
    return details && details.transaction.owner === transaction.owner ? this.#run(details, { retryUntil }) : details;
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

  async #run(details: TransactionDetails, { slots, ...start }: PassOptions): Promise<TransactionDetails | undefined> {
    let isOver = false;
    let stored = details.transaction;
    const queuedPass = slots && { slots, stored: () => stored, isOver: () => isOver };
    try {
      return await this.#pass(beginPass(details, start), queuedPass, (now) => (stored = now));
    } finally {
      isOver = true;
    }
  }

  async #pass(
    begun: Pass,
    queuedPass: QueuedPass | undefined,
    onStored: (transaction: TransactionRecord) => void,
  ): Promise<TransactionDetails | undefined> {
    const { clock, settings } = this.#environment;
    const { transaction, branches } = begun;
    const machine = MODES[transaction.transType].machine(transaction, branches.length, settings);
    const answers = new AnswerQueue<Answer>();
    let stored = transaction;
    this.#leases.set(stored.gid, stored);
    let pass = begun;
    let received: readonly Answer[] = [];
    for (;;) {
      // while the lease was lost, another process may have called branches
      if (this.#leases.get(stored.gid)?.owner !== transaction.owner) pass = { ...pass, isFirst: false };
      const step = this.#advance(machine, pass, received, clock.now());
      if (step.save) {
        const next = step.pass.transaction;
        if (!(await this.#save(stored, next, step.changed))) return undefined;
        if (next.attention !== undefined && stored.attention === undefined)
          reportAttention(this.#environment, next, step.pass.branches);
        stored = next;
        onStored(stored);
        this.#leases.set(stored.gid, stored);
      }
      pass = step.pass;
      if (step.over) {
        this.#calls.passEnded(stored.gid, isOnlyDeferred(pass));
        reportRollback(this.#environment, pass.transaction, pass.branches);
        return { transaction: pass.transaction, branches: pass.branches };
      }
      received = [];
      if (step.resumeTime !== undefined) {
        await this.#pauseUntil(step.resumeTime);
        pass = nextRound(pass);
        continue;
      }
      if (step.reload) {
        pass = { ...pass, branches: (await this.#environment.store.find(stored.gid))?.branches ?? pass.branches };
        continue;
      }
      for (const [count, index] of step.calls.entries()) {
        if (count > 0 && count % LARGE === 0) await nextTurn();
        // stopped meanwhile
        if (this.#isStopping) {
          pass = { ...pass, running: withoutCalls(step, count) };
          break;
        }
        const branch = index === INITIATOR ? machine.initiator?.(pass.transaction) : pass.branches[index];
        void this.#calls
          .call(pass.transaction, branch!, queuedPass)
          .then((outcome) => answers.put({ branch: index, outcome }));
      }
      if (pass.running.size > 0) received = await answers.take(branches.length > LARGE);
    }
  }

  /** While stopping, steps have no calls: the pass ends when no call is running, and the transaction is due again at once. */
  #advance(machine: Machine, before: Pass, answers: readonly Answer[], now: number): Step {
    const pass = this.#isStopping ? { ...before, retryUntil: undefined } : before;
    const step = advance(machine, pass, answers, now, this.#environment);
    if (!this.#isStopping || step.calls.length === 0) return step;
    const running = withoutCalls(step);
    const over = running.size === 0;
    const transaction = over
      ? { ...step.pass.transaction, owner: undefined, nextCronTime: now }
      : step.pass.transaction;
    return { ...step, pass: { ...step.pass, running, transaction }, calls: [], over, save: step.save || over };
  }

  /**
   * Waits until a pass of a transaction begins; ends early when the runner is stopped.
   *
   * @param time - longest wait, UTC milliseconds
   */
  async awaitPass(gid: string, time: number): Promise<void> {
    const ends = this.#awaited.get(gid) ?? new Set();
    this.#awaited.set(gid, ends);
    let end: (() => void) | undefined;
    await this.#pauseUntil(time, (endPause) => ends.add((end = endPause)));
    if (end) ends.delete(end);
    if (ends.size === 0 && this.#awaited.get(gid) === ends) this.#awaited.delete(gid);
  }

  /** Ends early when the runner is stopped. */
  async #pauseUntil(time: number, onBegin?: (end: () => void) => void): Promise<void> {
    const { clock } = this.#environment;
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauseEnds.delete(end);
        resolve();
      };
      const cancel = clock.after(Math.max(0, time - clock.now()), end);
      this.#pauseEnds.add(end);
      onBegin?.(end);
    });
  }

  #save(
    stored: TransactionRecord,
    next: TransactionRecord,
    changed: ReadonlyMap<number, BranchRecord>,
  ): Promise<boolean> {
    const owner = this.#leases.get(stored.gid)?.owner ?? stored.owner;
    return this.#environment.store.update({ status: stored.status, owner }, next, changed);
  }
}

function isOnlyDeferred({ undecided }: Pass): boolean {
  return [...undecided.values()].every((why) => why === 'deferred');
}

/** The running calls of a step but those that are not made, from one of them on. */
function withoutCalls(step: Step, from = 0): ReadonlySet<number> {
  const calls = new Set(step.calls.slice(from));
  return new Set([...step.pass.running].filter((index) => !calls.has(index)));
}
