import type { BarrierContext } from 'nestjs-dtm/barrier';
import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { isFinal, type Outcome, type TransactionDetails, type TransactionRequest } from 'nestjs-dtm/protocol';
import type { CoordinatorSettings } from 'nestjs-dtm/server';
import { ACCOUNTS, OPENING_BALANCE, type Bank, type BankObserver } from '../bank/bank.js';
import type { BranchObserver } from '../bank/branches.js';
import type { InitiatorObserver } from '../initiators/initiator.js';
import type { Plan } from '../scenarios/plan.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import { START_TIME } from '../environment/coordinator-node.js';
import type { ApiObserver } from '../environment/simulated-api.js';
import type { DatabaseKind, DatabaseObserver } from '../environment/simulated-database.js';
import type { NetworkObserver } from '../environment/simulated-network.js';
import { AnswerChecks } from './answers.js';
import { CallChecks, isOwner } from './calls.js';
import { Life, branchKey } from './life.js';
import { SettlementChecks, wantedNet } from './settlement.js';
import { StateChecks } from './states.js';

/** Sees everything that happens, and checks the invariants of docs/testing.md at every step. */
export class Invariants
  implements DatabaseObserver, NetworkObserver, ApiObserver, BankObserver, BranchObserver, InitiatorObserver
{
  readonly #simulation: Simulation;
  readonly #database: DatabaseKind;
  readonly #lives: ReadonlyMap<string, Life>;
  readonly #states: StateChecks;
  readonly #settlement: SettlementChecks;
  readonly #calls: CallChecks;
  readonly #answers: AnswerChecks;

  constructor(
    simulation: Simulation,
    plans: readonly Plan[],
    settings: CoordinatorSettings,
    database: DatabaseKind,
    areLeasesSafe: boolean,
  ) {
    this.#simulation = simulation;
    this.#database = database;
    this.#lives = new Map(plans.map((plan) => [plan.gid, new Life(plan)]));
    this.#states = new StateChecks(simulation, settings);
    this.#settlement = new SettlementChecks(simulation);
    this.#calls = new CallChecks(simulation, settings, areLeasesSafe);
    this.#answers = new AnswerChecks(simulation);
  }

  /** Transactions that are stored and must still come to an end. */
  get unfinished(): readonly Life[] {
    return [...this.#lives.values()].filter((life) => life.details && !life.isFinal && !life.waitsForever);
  }

  /** How many wait for ever. */
  get waiting(): number {
    return [...this.#lives.values()].filter((life) => life.waitsForever).length;
  }

  wrote(operation: string, process: Process, before: TransactionDetails | undefined, after: TransactionDetails): void {
    const { gid, status, owner, nextCronTime } = after.transaction;
    const life = this.#life(gid);
    life.details = after;
    life.statuses.add(status);
    life.isWoken ||= operation === 'wake';
    const rows = after.branches.map((row) => `${row.branchId} ${row.op} ${row.status}`).join(', ');
    this.#simulation.log(
      process.name,
      `${operation}: ${gid} ${before?.transaction.status ?? 'new'} > ${status} [${rows}] ${owner ?? '-'} due ${nextCronTime}`,
    );
    this.#states.check(life, before, after);
    const last = before?.transaction.owner;
    if (owner && owner !== last) {
      this.#calls.tookOver(gid, owner);
      if (operation === 'update' && before?.transaction.status === 'aborting') this.#abortedAgain(life, last);
    }
    if (before?.transaction.status === status || !isFinal(status)) return;
    this.#simulation.count(`${life.plan.mode} ${status}`);
    this.#settlement.settled(life);
  }

  /** It starts at once, whoever works on it. */
  #abortedAgain(life: Life, owner: string | undefined): void {
    this.#calls.tookOver(life.plan.gid, undefined);
    if (!owner) return;
    this.#simulation.count('lease stolen by an abort');
    life.isLeaseStolen = true;
  }

  deleted(process: Process, { transaction: { gid, status, updateTime } }: TransactionDetails): void {
    this.#simulation.log(process.name, `deletes ${gid}`);
    this.#simulation.count('deleted');
    this.#states.checkDeletion(this.#life(gid), status, this.#simulation.scheduler.now + START_TIME - updateTime);
  }

  overtaken(process: Process, gid: string): void {
    this.#calls.overtaken(process, gid);
  }

  disturbed(reason: string): void {
    this.#calls.disturbed(reason, this.#database === 'shared');
  }

  called(process: Process, call: OutgoingBranchCall): void {
    if (process.kind === 'coordinator') this.#calls.called(this.#life(call.context.gid), process, call);
  }

  answered(process: Process, call: OutgoingBranchCall, outcome: Outcome): void {
    if (process.kind === 'coordinator') this.#calls.answered(this.#life(call.context.gid), process, call, outcome);
  }

  acknowledged(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>): void {
    this.#answers.acknowledged(this.#life(request.gid), operation, request);
  }

  refused(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>, error: unknown): void {
    this.#answers.refused(this.#life(request.gid), operation, request, error);
  }

  effect(bank: string, context: BarrierContext, amount: number): void {
    this.#simulation.log(bank, `${context.gid} ${context.branchId} ${context.op} takes effect: ${amount}`);
    this.#settlement.effect(this.#life(context.gid), context, amount);
  }

  handled({ gid, branchId, op }: BarrierContext): void {
    this.#life(gid).handled.add(branchKey(branchId, op));
  }

  told(gid: string, end: 'succeed' | 'failed'): void {
    this.#life(gid).told.add(end);
  }

  committedLocally(gid: string): void {
    this.#life(gid).isCommittedLocally = true;
  }

  /** An operator is about to stop it. */
  forced(gid: string): void {
    this.#life(gid).isForced = true;
  }

  /** Nothing is under way: no process that lives holds a lease. */
  atRest(processes: readonly Process[]): void {
    if (!this.#calls.areClocksSteady) return;
    for (const { plan, details } of this.unfinished) {
      const { owner } = details!.transaction;
      const isHeld = processes.some((process) => isOwner(process, owner));
      if (isHeld) this.#simulation.violate('lease', `${plan.gid} is held by ${owner}, which does nothing with it`);
    }
  }

  /** Checks what must hold once everything has come to rest. */
  ended(banks: readonly Bank[], openXids: readonly string[]): void {
    const lives = [...this.#lives.values()];
    const exempt = lives.filter((life) => life.isForced || life.waitsForever);
    for (const life of lives) {
      if (life.isFinal) this.#settlement.settled(life);
      if (!life.details && life.effects.size > 0) {
        this.#simulation.violate('I1', `${life.plan.gid} is not stored and has effects`);
      }
      if (!exempt.includes(life)) this.#answers.ended(life);
      this.#simulation.count(
        `${life.plan.mode} ${life.waitsForever ? 'waits' : life.details ? 'ends' : 'never begun'}`,
      );
    }
    const isExempt = (key: string): boolean => exempt.some(({ plan }) => key.startsWith(`${plan.gid}/`));
    const finals = lives.filter((life) => life.status === 'succeed' && !exempt.includes(life));
    const total = banks.flatMap(({ balances }) => balances).reduce((sum, balance) => sum + balance, 0);
    const expected =
      banks.length * ACCOUNTS * OPENING_BALANCE +
      exempt.reduce((sum, { net }) => sum + net, 0) +
      finals.reduce((sum, { plan }) => sum + wantedNet(plan), 0);
    if (total !== expected) this.#simulation.violate('I1', `all accounts hold ${total}, not ${expected}`);
    const holds = banks.flatMap((bank) => [...bank.holds.keys()]).filter((key) => !isExempt(key));
    if (holds.length > 0) this.#simulation.violate('I1', `money is still set aside: ${holds.join()}`);
    const xids = openXids.filter((xid) => !isExempt(xid));
    if (xids.length > 0) this.#simulation.violate('I8', `still open: ${xids.join()}`);
  }

  #life(gid: string): Life {
    const life = this.#lives.get(gid);
    if (!life) throw new Error(`nobody planned ${gid}`);
    return life;
  }
}
