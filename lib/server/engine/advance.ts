import { isFinal, type BranchRecord, type TransactionRecord } from '../../protocol/index.js';
import type { CoordinatorSettings } from '../settings.js';
import { sagaMachine } from './saga.js';
import { tccMachine } from './tcc.js';
import { leaseTime, scheduleNext } from './schedule.js';
import type { Answer, Machine, Pass } from './pass.js';

/** What the runner has to do next, in this order: save, call, wait for an answer; or nothing more when it is over. */
export interface Step {
  /** State after the step. */
  readonly pass: Pass;
  /** Whether transaction and changed branches must be durable before anything else happens. */
  readonly save: boolean;
  /** Branches to store together with the transaction, by index. */
  readonly changed: ReadonlyMap<number, BranchRecord>;
  /** Branches to call once that is done. */
  readonly calls: readonly number[];
  /** Nothing is under way and nothing can be called: the pass ends. */
  readonly over: boolean;
}

/** What the engine knows beside the transaction. */
export interface EngineContext {
  /** Pace of the coordinator. */
  readonly settings: CoordinatorSettings;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * The state machine of a transaction's mode.
 *
 * @param transaction - the transaction
 * @param branchCount - number of its rows
 * @param settings - of the coordinator
 */
export function machineOf(transaction: TransactionRecord, branchCount: number, settings: CoordinatorSettings): Machine {
  switch (transaction.transType) {
    case 'saga':
      return sagaMachine(transaction, branchCount);
    case 'tcc':
      return tccMachine(settings.timeoutToFailSeconds);
    default:
      throw new Error(`no state machine for ${transaction.transType}`);
  }
}

/**
 * Takes a pass one step further: pure, no I/O, no clock of its own.
 *
 * @param machine - of the transaction's mode
 * @param before - state of the pass
 * @param answers - branches that answered since the last step; none at the beginning
 * @param now - UTC milliseconds
 * @param context - settings and randomness
 */
export function advance(
  machine: Machine,
  before: Pass,
  answers: readonly Answer[],
  now: number,
  context: EngineContext,
): Step {
  const changed = new Map<number, BranchRecord>();
  let pass = answers.reduce((state, answer) => record(state, answer, now, changed), before);
  let calls: readonly number[];
  for (;;) {
    const decision = machine.decide(pass, now);
    if (decision.kind === 'change') {
      pass = change(pass, decision.status, decision.reason, now);
      continue;
    }
    calls = decision.branches.filter((index) => pass.branches[index]!.url !== '');
    if (calls.length === decision.branches.length) break;
    // an empty URL is at once a success (§3.4)
    for (const branch of decision.branches) {
      if (!calls.includes(branch))
        pass = record(pass, { branch, outcome: { kind: 'success', body: '' } }, now, changed);
    }
  }
  const over = calls.length === 0 && pass.running.size === 0;
  const save = over || changed.size > 0 || pass.transaction !== before.transaction;
  if (save) pass = { ...pass, transaction: reschedule(machine, pass, over, now, context) };
  return { pass: { ...pass, running: new Set([...pass.running, ...calls]) }, save, changed, calls, over };
}

/** Takes an answer into the state. */
function record(pass: Pass, answer: Answer, now: number, changed: Map<number, BranchRecord>): Pass {
  const branch = pass.branches[answer.branch]!;
  const isDecided = answer.outcome.kind === 'success' || (answer.outcome.kind === 'failure' && branch.op === 'action');
  const next = answered(branch, answer, now);
  changed.set(answer.branch, next);
  const running = new Set(pass.running);
  running.delete(answer.branch);
  const undecided = new Map(pass.undecided);
  // a failure in phase 2 cannot be taken back: it is asked again like any unknown answer
  if (!isDecided) undecided.set(answer.branch, answer.outcome.kind === 'ongoing' ? 'ongoing' : 'unknown');
  const counts = !isDecided && answer.outcome.kind !== 'ongoing' && branch.op === 'action';
  return {
    transaction: counts
      ? { ...pass.transaction, retryCount: (pass.transaction.retryCount ?? 0) + 1 }
      : pass.transaction,
    branches: pass.branches.with(answer.branch, next),
    running,
    undecided,
    progressed: pass.progressed || isDecided,
  };
}

function answered(branch: BranchRecord, { outcome }: Answer, now: number): BranchRecord {
  const attempts = (branch.attempts ?? 0) + 1;
  if (outcome.kind === 'success')
    return { ...branch, attempts, status: 'succeed', finishTime: now, lastError: undefined };
  const failed = { ...branch, attempts, lastError: outcome.message };
  return outcome.kind === 'failure' && branch.op === 'action'
    ? { ...failed, status: 'failed', finishTime: now }
    : failed;
}

function change(pass: Pass, status: TransactionRecord['status'], reason: string | undefined, now: number): Pass {
  const { transaction } = pass;
  return {
    ...pass,
    // other branches come up now: what was asked before the change says nothing about them
    progressed: true,
    transaction: {
      ...transaction,
      status,
      rollbackReason: reason ?? transaction.rollbackReason,
      finishTime: status === 'succeed' ? now : transaction.finishTime,
      rollbackTime: status === 'failed' ? now : transaction.rollbackTime,
    },
  };
}

function reschedule(
  machine: Machine,
  pass: Pass,
  over: boolean,
  now: number,
  context: EngineContext,
): TransactionRecord {
  const { transaction } = pass;
  const touched = { ...transaction, updateTime: now };
  if (!over) return { ...touched, nextCronTime: leaseTime(transaction.options, context.settings, now) };
  if (isFinal(transaction.status)) return { ...touched, owner: undefined };
  const next = scheduleNext(pass, machine.deadline(transaction), context.settings, now, context.random);
  return { ...touched, ...next, owner: undefined };
}
