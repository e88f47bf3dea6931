import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { payloadText, type BranchRecord, type GlobalStatus, type Outcome } from 'nestjs-dtm/protocol';
import type { CoordinatorSettings } from 'nestjs-dtm/server';
import { predecessors } from '../../../lib/protocol/internal.js';
import type { Process } from '../scheduler/process.js';
import type { Invariant, Simulation } from '../simulation.js';
import { START_TIME, ownerOf } from '../environment/coordinator-node.js';
import { branchKey, type TransactionHistory } from './transaction-history.js';

/** State that a transaction must have reached before each operation. */
const REQUIRED: Readonly<Record<string, GlobalStatus>> = {
  action: 'submitted',
  confirm: 'submitted',
  commit: 'submitted',
  compensate: 'aborting',
  cancel: 'aborting',
  rollback: 'aborting',
};

/** An answer without a decision. */
interface Undecided {
  readonly process: Process;
  readonly time: number;
  /** The target did not answer. */
  readonly isUnreachable: boolean;
}

/** Checks the calls of coordinators: the order of branches, one pass at a time, and retry intervals. */
export class CallChecks {
  readonly #simulation: Simulation;
  readonly #settings: CoordinatorSettings;
  /** At most one process can believe that it holds a lease. */
  #areLeasesSafe: boolean;
  #areClocksSteady = true;
  /** Running calls by gid. */
  readonly #running = new Map<string, Map<Process, string[]>>();
  readonly #undecided = new Map<string, Undecided>();

  constructor(simulation: Simulation, settings: CoordinatorSettings, areLeasesSafe: boolean) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#areLeasesSafe = areLeasesSafe;
  }

  /** No clock was set. */
  get areClocksSteady(): boolean {
    return this.#areClocksSteady;
  }

  /** After this event, another process may take over, or retry, earlier than usual. */
  timingChanged(reason: string, isShared: boolean): void {
    this.#undecided.clear();
    if (reason.includes('clock')) this.#areClocksSteady = false;
    // a lease may expire before its owner learns that it holds the lease
    if (reason.includes('slow') || (isShared && /stall|clock/.test(reason))) this.#areLeasesSafe = false;
  }

  /** A new owner works on the transaction: the retry intervals of earlier owners no longer apply. */
  tookOver(gid: string, owner: string | undefined): void {
    for (const [key, { process }] of this.#undecided) {
      if (key.startsWith(`${gid} `) && !isOwner(process, owner)) this.#undecided.delete(key);
    }
  }

  /** A process abandoned the transaction; it no longer waits for its running calls. */
  abandoned(process: Process, gid: string): void {
    this.#running.get(gid)?.delete(process);
    this.tookOver(gid, undefined);
  }

  called(history: TransactionHistory, process: Process, call: OutgoingBranchCall): void {
    const { branchId, op } = call.context;
    const key = branchKey(branchId, op);
    this.#expect('order', history, !process.isStopping, `${key} is called by a stopping process`);
    if (history.details) {
      if (branchId === '00') this.#checkInitiator(history, process, call);
      else this.#checkBranch(history, process, call);
    } else this.#expect('durability', history, false, `${key} is called before the transaction is stored`);
    this.#checkRunning(history, process, branchId, key);
    this.#checkPace(history, process, key);
    history.called.add(key);
  }

  answered(
    history: TransactionHistory,
    process: Process,
    { context: { branchId, op } }: OutgoingBranchCall,
    outcome: Outcome,
  ): void {
    const { gid } = history.plan;
    const key = branchKey(branchId, op);
    history.answers.add(`${key} ${outcome.kind}`);
    const calls = this.#running.get(gid);
    const own = calls?.get(process) ?? [];
    if (!own.includes(key)) return;
    calls?.set(
      process,
      own.filter((call) => call !== key),
    );
    const mayFail = (history.plan.mode === 'saga' && op === 'action') || branchId === '00';
    const isDecided = outcome.kind === 'success' || (outcome.kind === 'failure' && mayFail);
    if (isDecided) return;
    const isUnreachable = outcome.kind === 'unknown' && outcome.unreachable === true;
    this.#undecided.set(`${gid} ${key}`, { process, time: this.#simulation.scheduler.now, isUnreachable });
  }

  /** The coordinator may call the initiator only after its time-out. */
  #checkInitiator(history: TransactionHistory, process: Process, { url }: OutgoingBranchCall): void {
    const { transaction } = history.details!;
    const { options } = history.plan;
    this.#expect('order', history, url === transaction.queryPrepared, `calls its initiator at ${url}`);
    const seconds =
      history.plan.mode === 'workflow'
        ? this.#baseInterval(history)
        : options.timeoutToFailSeconds || this.#settings.timeoutToFailSeconds;
    // an operator may trigger a workflow call at once
    if (history.plan.mode === 'workflow' && history.isWoken) return;
    this.#expectTime(history, process, seconds, 'calls its initiator');
  }

  #checkBranch(
    history: TransactionHistory,
    process: Process,
    { url, payload, context: { branchId, op } }: OutgoingBranchCall,
  ): void {
    const { transaction, branches } = history.details!;
    const key = branchKey(branchId, op);
    const index = branches.findIndex((row) => row.branchId === branchId && row.op === op);
    const row = branches[index];
    if (!row) return this.#expect('order', history, false, `${key} is called but not stored`);
    this.#expect('order', history, row.url === url && url !== '', `${key} is called at ${url}`);
    this.#expect(
      'order',
      history,
      payloadText(row.payload) === payloadText(payload),
      `${key} is called with a wrong payload`,
    );
    const required = REQUIRED[op]!;
    this.#expect(
      'order',
      history,
      history.statuses.has(required),
      `${key} is called but the transaction never was ${required}`,
    );
    if (this.#areLeasesSafe && !history.isForceStopped && !history.isLeaseStolen) {
      const { status, owner } = transaction;
      this.#expect('order', history, status === required, `${key} is called while the transaction is ${status}`);
      this.#expect('order', history, row.status === 'prepared', `${key} is called but is ${row.status}`);
      this.#expect(
        'lease',
        history,
        isOwner(process, owner),
        `${key} is called by ${process.name}, but the owner is ${owner}`,
      );
    }
    this.#checkOrder(history, process, row, index);
  }

  #checkOrder(history: TransactionHistory, process: Process, { branchId, op }: BranchRecord, index: number): void {
    const { branches } = history.details!;
    const key = branchKey(branchId, op);
    const { plan } = history;
    const open = (others: readonly BranchRecord[]): BranchRecord | undefined =>
      others.find((other) => other.op === op && other.status !== 'succeed');
    switch (plan.mode) {
      case 'tcc':
        return this.#expectNone(history, key, open(branches.slice(index + 1)));
      case 'xa':
        return this.#expectNone(history, key, open(branches.slice(0, index)));
      case 'msg': {
        if (!plan.isConcurrent) this.#expectNone(history, key, open(branches.slice(0, index)));
        // without a query-back, the initiator must have submitted, with the delay
        const isKnown = plan.delaySentWith !== 'submit' || !history.called.has('00 msg');
        return this.#expectTime(history, process, isKnown ? plan.delaySeconds : 0, `${key} is delivered`);
      }
      case 'saga':
        return op === 'action' ? this.#checkAction(history, index) : this.#checkCompensation(history, process, index);
    }
  }

  #checkAction(history: TransactionHistory, index: number): void {
    const { branches, transaction } = history.details!;
    const { retryLimit } = history.plan.options;
    const isLimitReached = retryLimit !== undefined && (transaction.retryCount ?? 0) > retryLimit;
    this.#expect(
      'order',
      history,
      !isLimitReached || !this.#areLeasesSafe,
      `is called again after ${transaction.retryCount} retries`,
    );
    for (const before of stepsBefore(history, (index - 1) / 2)) {
      const row = branches[2 * before + 1]!;
      this.#expectNone(
        history,
        branchKey(branches[index]!.branchId, 'action'),
        row.status === 'succeed' ? undefined : row,
      );
    }
  }

  /** Later steps must be compensated first, as far as they are known to have been called. */
  #checkCompensation(history: TransactionHistory, process: Process, index: number): void {
    const { branches } = history.details!;
    const { branchId } = branches[index]!;
    const key = branchKey(branchId, 'compensate');
    const running = this.#running.get(history.plan.gid)?.get(process) ?? [];
    this.#expect('order', history, !running.includes(branchKey(branchId, 'action')), `${key} overtakes its action`);
    for (let step = 0; step < history.plan.transfers.length; step++) {
      const later = branches[2 * step]!;
      if (!stepsBefore(history, step).includes(index / 2)) continue;
      if (!history.called.has(branchKey(later.branchId, 'action'))) continue;
      this.#expectNone(history, key, later.status === 'succeed' ? undefined : later);
    }
  }

  #checkRunning(history: TransactionHistory, process: Process, branchId: string, key: string): void {
    const { plan } = history;
    let processes = this.#running.get(plan.gid);
    if (!processes) this.#running.set(plan.gid, (processes = new Map()));
    for (const [other, calls] of processes) {
      if (other === process) continue;
      const overlaps =
        this.#areLeasesSafe &&
        !history.isLeaseStolen &&
        other.isAlive &&
        branchId !== '00' &&
        calls.some((call) => !call.startsWith('00'));
      this.#expect(
        'lease',
        history,
        !overlaps,
        `${process.name} calls ${key} while ${other.name} calls ${calls.join()}`,
      );
    }
    const calls = processes.get(process) ?? [];
    this.#expect('order', history, !calls.includes(key), `${key} is called while it runs`);
    const isParallel = (plan.mode === 'saga' || plan.mode === 'msg') && plan.isConcurrent;
    const isExtra = !isParallel && branchId !== '00' && calls.some((call) => !call.startsWith('00'));
    this.#expect('order', history, !isExtra, `${key} is called in parallel with ${calls.join()}`);
    processes.set(process, [...calls, key]);
  }

  /** A call without a decision is retried after its interval, not earlier. */
  #checkPace(history: TransactionHistory, process: Process, key: string): void {
    const last = this.#undecided.get(`${history.plan.gid} ${key}`);
    if (last?.process !== process || !this.#areLeasesSafe) return;
    // messages and workflows are called at their own due time, even after an earlier call by an operator or a set clock
    const hasDueTime = history.plan.mode === 'workflow' || history.plan.mode === 'msg';
    if (hasDueTime && (history.isWoken || !this.#areClocksSteady)) return;
    const pause = this.#simulation.scheduler.now - last.time;
    // an unreachable target has its own probe interval, also for transactions that are due because of other branches
    const probeSeconds = last.isUnreachable ? this.#settings.breakerProbeSeconds : Infinity;
    const least = Math.min(this.#baseInterval(history), probeSeconds) * 1000;
    this.#expect('I9', history, pause >= least, `${key} is retried after ${pause} ms`);
  }

  /** Shortest interval between two attempts, in seconds. */
  #baseInterval({ plan: { options } }: TransactionHistory): number {
    const { retryIntervalSeconds, timeoutToFailSeconds, retryLimit, waitResult } = options;
    // the first pause while an initiator waits for a saga with a retry limit
    if (retryLimit && waitResult) return 0.1;
    if (retryIntervalSeconds) return retryIntervalSeconds;
    return Math.min(timeoutToFailSeconds || Infinity, this.#settings.retryIntervalSeconds);
  }

  /** Compares with the clock of the machine, unless a clock was set. */
  #expectTime(history: TransactionHistory, { machine }: Process, seconds: number, message: string): void {
    if (!this.#areClocksSteady) return;
    const now = START_TIME + this.#simulation.scheduler.now + machine.clockErrorMs;
    const early = history.details!.transaction.createTime + seconds * 1000 - now;
    this.#expect('order', history, early <= 0, `${message} ${early} ms too early`);
  }

  #expectNone(history: TransactionHistory, key: string, row: BranchRecord | undefined): void {
    if (row)
      this.#expect('order', history, false, `${key} is called before ${branchKey(row.branchId, row.op)} succeeded`);
  }

  #expect(invariant: Invariant, history: TransactionHistory, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${history.plan.gid} ${message}`);
  }
}

/** Whether a process owns a lease; the owner text may name a pass as well. */
export function isOwner({ name }: Process, owner: string | undefined): boolean {
  return owner?.includes(ownerOf(name)) ?? false;
}

function stepsBefore({ plan }: TransactionHistory, step: number): readonly number[] {
  return plan.mode === 'saga' ? predecessors({ concurrent: plan.isConcurrent, orders: plan.orders }, step) : [];
}
