import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { payloadText, predecessors, type BranchRecord, type GlobalStatus, type Outcome } from 'nestjs-dtm/protocol';
import type { CoordinatorSettings } from 'nestjs-dtm/server';
import type { Process } from '../scheduler/process.js';
import type { Invariant, Simulation } from '../simulation.js';
import { START_TIME, ownerOf } from '../environment/coordinator-node.js';
import { branchKey, type Life } from './life.js';

/** State that a transaction must have reached before an operation of it is called. */
const REQUIRED: Readonly<Record<string, GlobalStatus>> = {
  action: 'submitted',
  confirm: 'submitted',
  commit: 'submitted',
  compensate: 'aborting',
  cancel: 'aborting',
  rollback: 'aborting',
};

/** An answer that decided nothing. */
interface Undecided {
  readonly process: Process;
  readonly time: number;
  /** Nobody answered. */
  readonly isSilent: boolean;
}

/** Checks what coordinators call, and when: the order of branches, one pass at a time, and the pace of tries. */
export class CallChecks {
  readonly #simulation: Simulation;
  readonly #settings: CoordinatorSettings;
  /** No two processes can believe that they hold the same lease. */
  #areLeasesSafe: boolean;
  #areClocksSteady = true;
  /** Calls that are under way, by gid. */
  readonly #underWay = new Map<string, Map<Process, string[]>>();
  readonly #undecided = new Map<string, Undecided>();

  constructor(simulation: Simulation, settings: CoordinatorSettings, areLeasesSafe: boolean) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#areLeasesSafe = areLeasesSafe;
  }

  /** Nobody has set a clock. */
  get areClocksSteady(): boolean {
    return this.#areClocksSteady;
  }

  /** Something happened after which others may take over, or try again, earlier than usual. */
  disturbed(reason: string, isShared: boolean): void {
    this.#undecided.clear();
    if (reason.includes('clock')) this.#areClocksSteady = false;
    // a lease may be over before the process that holds it knows that it has it
    if (reason.includes('slow') || (isShared && /stall|clock/.test(reason))) this.#areLeasesSafe = false;
  }

  /** A process works on it now; those before it need not keep to its pace. */
  tookOver(gid: string, owner: string | undefined): void {
    for (const [key, { process }] of this.#undecided) {
      if (key.startsWith(`${gid} `) && !isOwner(process, owner)) this.#undecided.delete(key);
    }
  }

  /** A process has given it up; its calls go on, but nobody waits for them. */
  overtaken(process: Process, gid: string): void {
    this.#underWay.get(gid)?.delete(process);
    this.tookOver(gid, undefined);
  }

  called(life: Life, process: Process, call: OutgoingBranchCall): void {
    const { branchId, op } = call.context;
    const key = branchKey(branchId, op);
    this.#expect('order', life, !process.isStopping, `${key} is called by a process that stops`);
    if (life.details) {
      if (branchId === '00') this.#checkInitiator(life, process, call);
      else this.#checkBranch(life, process, call);
    } else this.#expect('durability', life, false, `${key} is called, and nothing is stored`);
    this.#checkUnderWay(life, process, branchId, key);
    this.#checkPace(life, process, key);
    life.called.add(key);
  }

  answered(life: Life, process: Process, { context: { branchId, op } }: OutgoingBranchCall, outcome: Outcome): void {
    const { gid } = life.plan;
    const key = branchKey(branchId, op);
    life.answers.add(`${key} ${outcome.kind}`);
    const calls = this.#underWay.get(gid);
    const own = calls?.get(process) ?? [];
    if (!own.includes(key)) return;
    calls?.set(
      process,
      own.filter((call) => call !== key),
    );
    const mayFail = (life.plan.mode === 'saga' && op === 'action') || branchId === '00';
    const isDecided = outcome.kind === 'success' || (outcome.kind === 'failure' && mayFail);
    if (isDecided) return;
    const isSilent = outcome.kind === 'unknown' && outcome.unreachable === true;
    this.#undecided.set(`${gid} ${key}`, { process, time: this.#simulation.scheduler.now, isSilent });
  }

  /** The initiator itself is asked: only when it had its time. */
  #checkInitiator(life: Life, process: Process, { url }: OutgoingBranchCall): void {
    const { transaction } = life.details!;
    const { options } = life.plan;
    this.#expect('order', life, url === transaction.queryPrepared, `its initiator is asked at ${url}`);
    const seconds =
      life.plan.mode === 'workflow'
        ? this.#baseInterval(life)
        : options.timeoutToFailSeconds || this.#settings.timeoutToFailSeconds;
    // an operator may have a workflow called at once
    if (life.plan.mode === 'workflow' && life.isWoken) return;
    this.#expectTime(life, process, seconds, 'its initiator is asked');
  }

  #checkBranch(life: Life, process: Process, { url, payload, context: { branchId, op } }: OutgoingBranchCall): void {
    const { transaction, branches } = life.details!;
    const key = branchKey(branchId, op);
    const index = branches.findIndex((row) => row.branchId === branchId && row.op === op);
    const row = branches[index];
    if (!row) return this.#expect('order', life, false, `${key} is called, which is not stored`);
    this.#expect('order', life, row.url === url && url !== '', `${key} is called at ${url}`);
    this.#expect('order', life, payloadText(row.payload) === payloadText(payload), `${key} has another payload`);
    const required = REQUIRED[op]!;
    this.#expect('order', life, life.statuses.has(required), `${key} is called and it never was ${required}`);
    if (this.#areLeasesSafe && !life.isForced && !life.isLeaseStolen) {
      const { status, owner } = transaction;
      this.#expect('order', life, status === required, `${key} is called while it is ${status}`);
      this.#expect('order', life, row.status === 'prepared', `${key} is called and it is ${row.status}`);
      this.#expect(
        'lease',
        life,
        isOwner(process, owner),
        `${key} is called by ${process.name}, its owner is ${owner}`,
      );
    }
    this.#checkOrder(life, process, row, index);
  }

  #checkOrder(life: Life, process: Process, { branchId, op }: BranchRecord, index: number): void {
    const { branches } = life.details!;
    const key = branchKey(branchId, op);
    const { plan } = life;
    const open = (others: readonly BranchRecord[]): BranchRecord | undefined =>
      others.find((other) => other.op === op && other.status !== 'succeed');
    switch (plan.mode) {
      case 'tcc':
        return this.#expectNone(life, key, open(branches.slice(index + 1)));
      case 'xa':
        return this.#expectNone(life, key, open(branches.slice(0, index)));
      case 'msg': {
        if (!plan.isConcurrent) this.#expectNone(life, key, open(branches.slice(0, index)));
        // when it was never asked, it must have submitted, and said so
        const isKnown = plan.delayToldAt !== 'submit' || !life.called.has('00 msg');
        return this.#expectTime(life, process, isKnown ? plan.delaySeconds : 0, `${key} is delivered`);
      }
      case 'saga':
        return op === 'action' ? this.#checkAction(life, index) : this.#checkCompensation(life, process, index);
    }
  }

  #checkAction(life: Life, index: number): void {
    const { branches, transaction } = life.details!;
    const { retryLimit } = life.plan.options;
    const isLimitReached = retryLimit !== undefined && (transaction.retryCount ?? 0) > retryLimit;
    this.#expect(
      'order',
      life,
      !isLimitReached || !this.#areLeasesSafe,
      `is called again after ${transaction.retryCount} tries`,
    );
    for (const before of stepsBefore(life, (index - 1) / 2)) {
      const row = branches[2 * before + 1]!;
      this.#expectNone(
        life,
        branchKey(branches[index]!.branchId, 'action'),
        row.status === 'succeed' ? undefined : row,
      );
    }
  }

  /** Later steps first: those that were called, as far as anybody can know. */
  #checkCompensation(life: Life, process: Process, index: number): void {
    const { branches } = life.details!;
    const { branchId } = branches[index]!;
    const key = branchKey(branchId, 'compensate');
    const running = this.#underWay.get(life.plan.gid)?.get(process) ?? [];
    this.#expect('order', life, !running.includes(branchKey(branchId, 'action')), `${key} overtakes its action`);
    for (let step = 0; step < life.plan.transfers.length; step++) {
      const later = branches[2 * step]!;
      if (!stepsBefore(life, step).includes(index / 2)) continue;
      if (!life.called.has(branchKey(later.branchId, 'action'))) continue;
      this.#expectNone(life, key, later.status === 'succeed' ? undefined : later);
    }
  }

  #checkUnderWay(life: Life, process: Process, branchId: string, key: string): void {
    const { plan } = life;
    let processes = this.#underWay.get(plan.gid);
    if (!processes) this.#underWay.set(plan.gid, (processes = new Map()));
    for (const [other, calls] of processes) {
      if (other === process) continue;
      const isInTheWay =
        this.#areLeasesSafe &&
        !life.isLeaseStolen &&
        other.isAlive &&
        branchId !== '00' &&
        calls.some((call) => !call.startsWith('00'));
      this.#expect(
        'lease',
        life,
        !isInTheWay,
        `${process.name} calls ${key} while ${other.name} calls ${calls.join()}`,
      );
    }
    const calls = processes.get(process) ?? [];
    this.#expect('order', life, !calls.includes(key), `${key} is called while it is running`);
    const isParallel = (plan.mode === 'saga' || plan.mode === 'msg') && plan.isConcurrent;
    const isBeside = !isParallel && branchId !== '00' && calls.some((call) => !call.startsWith('00'));
    this.#expect('order', life, !isBeside, `${key} is called beside ${calls.join()}`);
    processes.set(process, [...calls, key]);
  }

  /** What was not decided is asked again after its interval, not before. */
  #checkPace(life: Life, process: Process, key: string): void {
    const last = this.#undecided.get(`${life.plan.gid} ${key}`);
    if (last?.process !== process || !this.#areLeasesSafe) return;
    // what is due at a time of its own is called then, also when it was called before that: by an operator, or the clock was set
    const hasTime = life.plan.mode === 'workflow' || life.plan.mode === 'msg';
    if (hasTime && (life.isWoken || !this.#areClocksSteady)) return;
    const pause = this.#simulation.scheduler.now - last.time;
    // a target that is silent is tried at a pace of its own, also by what is due because others of its branches are
    const probeSeconds = last.isSilent ? this.#settings.breakerProbeSeconds : Infinity;
    const least = Math.min(this.#baseInterval(life), probeSeconds) * 1000;
    this.#expect('I9', life, pause >= least, `${key} is asked again after ${pause} ms`);
  }

  /** Least seconds between two tries. */
  #baseInterval({ plan: { options } }: Life): number {
    const { retryIntervalSeconds, timeoutToFailSeconds } = options;
    if (retryIntervalSeconds) return retryIntervalSeconds;
    return Math.min(timeoutToFailSeconds || Infinity, this.#settings.retryIntervalSeconds);
  }

  /** By the clock of the machine, as long as nobody sets it. */
  #expectTime(life: Life, { machine }: Process, seconds: number, message: string): void {
    if (!this.#areClocksSteady) return;
    const now = START_TIME + this.#simulation.scheduler.now + machine.clockErrorMs;
    const early = life.details!.transaction.createTime + seconds * 1000 - now;
    this.#expect('order', life, early <= 0, `${message} ${early} ms too early`);
  }

  #expectNone(life: Life, key: string, row: BranchRecord | undefined): void {
    if (row) this.#expect('order', life, false, `${key} is called before ${branchKey(row.branchId, row.op)} succeeded`);
  }

  #expect(invariant: Invariant, life: Life, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${life.plan.gid} ${message}`);
  }
}

/** Whether a process holds a lease; leases may name a pass beside it. */
export function isOwner({ name }: Process, owner: string | undefined): boolean {
  return owner?.includes(ownerOf(name)) ?? false;
}

function stepsBefore({ plan }: Life, step: number): readonly number[] {
  return plan.mode === 'saga' ? predecessors({ concurrent: plan.isConcurrent, orders: plan.orders }, step) : [];
}
