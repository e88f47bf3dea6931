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
import { TransactionHistory, branchKey } from './transaction-history.js';
import { EffectChecks, wantedNet } from './effects.js';
import { StateChecks } from './states.js';
import { WakeChecks } from './wakes.js';

/** Observes all events and checks the invariants of docs/testing.md at each one. */
export class Invariants
  implements DatabaseObserver, NetworkObserver, ApiObserver, BankObserver, BranchObserver, InitiatorObserver
{
  readonly #simulation: Simulation;
  readonly #database: DatabaseKind;
  readonly #histories: ReadonlyMap<string, TransactionHistory>;
  readonly #states: StateChecks;
  readonly #effects: EffectChecks;
  readonly #calls: CallChecks;
  readonly #answers: AnswerChecks;
  readonly #wakes: WakeChecks;

  constructor(
    simulation: Simulation,
    plans: readonly Plan[],
    settings: CoordinatorSettings,
    database: DatabaseKind,
    areLeasesSafe: boolean,
  ) {
    this.#simulation = simulation;
    this.#database = database;
    this.#histories = new Map(plans.map((plan) => [plan.gid, new TransactionHistory(plan)]));
    this.#states = new StateChecks(simulation, settings);
    this.#effects = new EffectChecks(simulation);
    this.#calls = new CallChecks(simulation, settings, areLeasesSafe);
    this.#answers = new AnswerChecks(simulation);
    this.#wakes = new WakeChecks(simulation);
  }

  /** Stored transactions that must still finish. */
  get unfinished(): readonly TransactionHistory[] {
    return [...this.#histories.values()].filter(
      (history) => history.details && !history.isFinal && !history.waitsForever,
    );
  }

  /** Number of transactions that wait forever. */
  get waiting(): number {
    return [...this.#histories.values()].filter((history) => history.waitsForever).length;
  }

  wrote(operation: string, process: Process, before: TransactionDetails | undefined, after: TransactionDetails): void {
    const { gid, status, owner, nextCronTime } = after.transaction;
    const history = this.#history(gid);
    history.details = after;
    history.statuses.add(status);
    history.isWoken ||= operation === 'wake';
    const rows = after.branches.map((row) => `${row.branchId} ${row.op} ${row.status}`).join(', ');
    this.#simulation.log(
      process.name,
      `${operation}: ${gid} ${before?.transaction.status ?? 'new'} > ${status} [${rows}] ${owner ?? '-'} due ${nextCronTime}`,
    );
    this.#states.check(history, before, after);
    this.#wakes.wrote(operation, process, before, after);
    const last = before?.transaction.owner;
    if (operation === 'wake' && last) {
      this.#simulation.count('lease ended by an operator');
      history.isLeaseStolen = true;
    }
    if (owner && owner !== last) {
      this.#calls.tookOver(gid, owner);
      if (operation === 'update' && before?.transaction.status === 'aborting') this.#abortedAgain(history, last);
    }
    if (before?.transaction.status === status || !isFinal(status)) return;
    this.#simulation.count(`${history.plan.mode} ${status}`);
    this.#effects.final(history);
  }

  /** A repeated abort starts a pass at once, even if another process works on the transaction. */
  #abortedAgain(history: TransactionHistory, owner: string | undefined): void {
    this.#calls.tookOver(history.plan.gid, undefined);
    if (!owner) return;
    this.#simulation.count('lease stolen by an abort');
    history.isLeaseStolen = true;
  }

  deleted(process: Process, { transaction: { gid, status, updateTime } }: TransactionDetails): void {
    this.#simulation.log(process.name, `deletes ${gid}`);
    this.#simulation.count('deleted');
    this.#states.checkDeletion(this.#history(gid), status, this.#simulation.scheduler.now + START_TIME - updateTime);
  }

  abandoned(process: Process, gid: string): void {
    this.#calls.abandoned(process, gid);
  }

  timingChanged(reason: string): void {
    this.#calls.timingChanged(reason, this.#database === 'shared');
    this.#wakes.timingChanged(reason);
  }

  called(process: Process, call: OutgoingBranchCall): void {
    if (process.kind !== 'coordinator') return;
    this.#calls.called(this.#history(call.context.gid), process, call);
    this.#wakes.called(call);
  }

  answered(process: Process, call: OutgoingBranchCall, outcome: Outcome): void {
    if (process.kind !== 'coordinator') return;
    this.#calls.answered(this.#history(call.context.gid), process, call, outcome);
    this.#wakes.answered(process, call, outcome);
  }

  /** A coordinator logs an event. */
  logged(process: Process, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#wakes.logged(process, message, fields);
  }

  acknowledged(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>): void {
    this.#answers.acknowledged(this.#history(request.gid), operation, request);
  }

  refused(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>, error: unknown): void {
    this.#answers.refused(this.#history(request.gid), operation, request, error);
  }

  effect(bank: string, context: BarrierContext, amount: number): void {
    this.#simulation.log(bank, `${context.gid} ${context.branchId} ${context.op} takes effect: ${amount}`);
    this.#effects.effect(this.#history(context.gid), context, amount);
  }

  handled({ gid, branchId, op }: BarrierContext): void {
    this.#history(gid).handled.add(branchKey(branchId, op));
  }

  outcomeReported(gid: string, outcome: 'succeed' | 'failed'): void {
    this.#history(gid).reportedOutcomes.add(outcome);
  }

  committedLocally(gid: string): void {
    this.#history(gid).isCommittedLocally = true;
  }

  /** An operator requests a force stop. */
  forceStopRequested(gid: string): void {
    this.#history(gid).isForceStopped = true;
  }

  /** Checks, while no call runs, that no live process holds a lease. */
  checkIdle(processes: readonly Process[]): void {
    if (!this.#calls.areClocksSteady) return;
    for (const { plan, details } of this.unfinished) {
      const { owner } = details!.transaction;
      const isHeld = processes.some((process) => isOwner(process, owner));
      if (isHeld) this.#simulation.violate('lease', `${plan.gid} is leased by ${owner}, which does not work on it`);
    }
  }

  /** Checks the invariants of the final state. */
  ended(banks: readonly Bank[], openXids: readonly string[]): void {
    const histories = [...this.#histories.values()];
    const exempt = histories.filter((history) => history.isForceStopped || history.waitsForever);
    for (const history of histories) {
      if (history.isFinal) this.#effects.final(history);
      if (!history.details && history.effects.size > 0) {
        this.#simulation.violate('I1', `${history.plan.gid} is not stored but has effects`);
      }
      if (!exempt.includes(history)) this.#answers.ended(history);
      this.#simulation.count(
        `${history.plan.mode} ${history.waitsForever ? 'waits' : history.details ? 'ends' : 'never begun'}`,
      );
    }
    const isExempt = (key: string): boolean => exempt.some(({ plan }) => key.startsWith(`${plan.gid}/`));
    const finals = histories.filter((history) => history.status === 'succeed' && !exempt.includes(history));
    const total = banks.flatMap(({ balances }) => balances).reduce((sum, balance) => sum + balance, 0);
    const expected =
      banks.length * ACCOUNTS * OPENING_BALANCE +
      exempt.reduce((sum, { net }) => sum + net, 0) +
      finals.reduce((sum, { plan }) => sum + wantedNet(plan), 0);
    if (total !== expected) this.#simulation.violate('I1', `all accounts hold ${total}; expected ${expected}`);
    const holds = banks.flatMap((bank) => [...bank.holds.keys()]).filter((key) => !isExempt(key));
    if (holds.length > 0) this.#simulation.violate('I1', `reservations remain: ${holds.join()}`);
    const xids = openXids.filter((xid) => !isExempt(xid));
    if (xids.length > 0) this.#simulation.violate('I8', `XA transactions remain open: ${xids.join()}`);
  }

  #history(gid: string): TransactionHistory {
    const history = this.#histories.get(gid);
    if (!history) throw new Error(`unknown gid ${gid}`);
    return history;
  }
}
