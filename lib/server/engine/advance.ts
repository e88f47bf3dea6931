import { isFinal, type BranchRecord, type Outcome, type TransactionRecord } from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import { isFailureDecisive } from './is-failure-decisive.js';
import { leaseTime, scheduleNext } from './schedule.js';
import { attentionReason, isRefusal, refusalText } from './attention-reason.js';
import { hasNothingToUndo, isNotExecuted, recordNothingToUndo } from './nothing-to-undo.js';
import { INITIATOR, type Answer, type Machine, type Pass, type Undecided } from './pass.js';

/**
 * The next tasks of the runner, in this order: save, reload, call, wait for an answer. There is none when the pass is
 * over.
 */
export interface Step {
  /** State of the pass after the step. */
  readonly pass: Pass;
  /** The transaction and the changed branches must be durable before anything else happens. */
  readonly save: boolean;
  /** Branches to store with the transaction, by index. */
  readonly changed: ReadonlyMap<number, BranchRecord>;
  /** The transaction was prepared until now, so branches may have been registered: read them after the save. */
  readonly reload: boolean;
  /** Branches to call after that. */
  readonly calls: readonly number[];
  /** No call is running and no branch can be called: the pass ends. */
  readonly over: boolean;
  /** When the pass goes on although nothing is running, UTC milliseconds: an initiator waits for the next attempt. */
  readonly resumeTime?: number | undefined;
}

/** Inputs of the engine besides the transaction. */
export interface EngineContext {
  readonly settings: CoordinatorSettings;
  /** Random number from 0 to 1. */
  readonly random: () => number;
}

/**
 * Advances a pass by one step. Pure: no I/O, no clock.
 *
 * @param machine - state machine of the transaction
 * @param before - state of the pass
 * @param answers - answers since the last step; none at the beginning
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
  const pass = draftOf(before);
  const limit = context.settings.attentionAfterFailures;
  recordAnswers(pass, answers, now, changed, limit);
  if (mayChangeAttention(pass, changed)) pass.transaction = withAttention(pass, context.settings);
  let calls: readonly number[];
  for (;;) {
    const decision = machine.decide(pass, now);
    if (decision.kind === 'change') {
      change(pass, decision.status, decision.reason, now);
      if (before.transaction.status !== 'prepared' || isFinal(decision.status)) continue;
      pass.transaction = reschedule(machine, pass, false, now, context);
      return { pass, save: true, changed, reload: true, calls: [], over: false };
    }
    const empty = decision.branches.filter((index) => pass.branches[index]?.url === '');
    calls = decision.branches;
    if (empty.length === 0) break;
    recordAnswers(pass, empty.map(successWithoutCall), now, changed, limit);
  }
  const isIdle = calls.length === 0 && pass.running.size === 0;
  const resume = isIdle ? findResume(machine, pass, now, context) : undefined;
  if (resume) pass.transaction = { ...pass.transaction, nextCronInterval: resume.interval };
  const over = isIdle && !resume;
  const save = isIdle || before.isResumed === true || changed.size > 0 || pass.transaction !== before.transaction;
  if (save) pass.transaction = reschedule(machine, pass, over, now, context);
  for (const index of calls) pass.running.add(index);
  return { pass, save, changed, reload: false, calls, over, resumeTime: resume?.time };
}

/** Pause before the second attempt of a saga with a retry limit; the pause doubles. A limit of 3 lasts 0.7 s. */
const FIRST_PAUSE_MS = 100;

/** When a pass whose initiator waits goes on; undefined when the next attempt comes too late for the initiator. */
function findResume(
  machine: Machine,
  pass: Pass,
  now: number,
  context: EngineContext,
): { readonly time: number; readonly interval: number } | undefined {
  const { transaction, undecided, retryUntil, rounds = 0 } = pass;
  if (retryUntil === undefined || isFinal(transaction.status)) return undefined;
  const { nextCronTime, nextCronInterval } = scheduleNext(
    pass,
    machine.deadline(transaction),
    context.settings,
    now,
    context.random,
  );
  const isLimited = Boolean(transaction.options.retryLimit) && transaction.status === 'submitted';
  const isShort = isLimited && [...undecided.values()].includes('unknown');
  const time = isShort ? Math.min(now + FIRST_PAUSE_MS * 2 ** rounds, nextCronTime) : nextCronTime;
  // a short pause does not count for the interval of later passes
  return time <= retryUntil ? { time, interval: isShort ? transaction.nextCronInterval : nextCronInterval } : undefined;
}

/** A mutable copy of the pass, used within one step. */
interface Draft extends Pass {
  transaction: TransactionRecord;
  readonly branches: BranchRecord[];
  readonly running: Set<number>;
  readonly undecided: Map<number, Undecided>;
  progressed: boolean;
  initiator?: Outcome | undefined;
  deferredUntil?: number | undefined;
  notExecuted?: ReadonlySet<string> | undefined;
}

function draftOf(pass: Pass): Draft {
  const { branches, running, undecided } = pass;
  return {
    ...pass,
    isResumed: false,
    branches: [...branches],
    running: new Set(running),
    undecided: new Map(undecided),
  };
}

/** An empty URL succeeds at once: there is nothing to call. */
function successWithoutCall(branch: number): Answer {
  return { branch, outcome: { kind: 'success', body: '' } };
}

/** Takes answers into the state. */
function recordAnswers(
  pass: Draft,
  answers: readonly Answer[],
  now: number,
  changed: Map<number, BranchRecord>,
  limit: number,
): void {
  for (const answer of answers) {
    const { branch: index, outcome } = answer;
    if (outcome.kind === 'deferred') {
      pass.running.delete(index);
      pass.undecided.set(index, 'deferred');
      pass.deferredUntil = Math.min(pass.deferredUntil ?? Infinity, outcome.until);
      if (outcome.refusal !== undefined) recordRefusal(pass, index, outcome.refusal, changed, limit);
      continue;
    }
    if (index === INITIATOR) {
      recordInitiator(pass, outcome, limit);
      continue;
    }
    const branch = pass.branches[index]!;
    const isDecisive = isFailureDecisive(pass.transaction.transType, branch.op);
    if (isDecisive && isNotExecuted(pass, branch, outcome)) {
      pass.notExecuted = new Set([...(pass.notExecuted ?? []), branch.branchId]);
    }
    const next = hasNothingToUndo(pass, branch, outcome)
      ? recordNothingToUndo(branch, outcome, now)
      : recordOutcome(branch, outcome, isDecisive, now);
    pass.branches[index] = next;
    changed.set(index, next);
    pass.running.delete(index);
    if (next.status !== 'prepared') {
      pass.progressed = true;
      continue;
    }
    // a failure that decides nothing is retried like an unknown answer
    const isUnknown = outcome.kind !== 'ongoing';
    pass.undecided.set(index, isUnknown ? 'unknown' : 'ongoing');
    if (isUnknown && isDecisive) {
      pass.transaction = { ...pass.transaction, retryCount: (pass.transaction.retryCount ?? 0) + 1 };
    }
  }
}

/** The initiator has no row: what it decides counts in this pass only, and its refusals are counted by the transaction. */
function recordInitiator(pass: Draft, outcome: Outcome, limit: number): void {
  pass.running.delete(INITIATOR);
  if (outcome.kind === 'ongoing' || outcome.kind === 'unknown') {
    pass.undecided.set(INITIATOR, outcome.kind);
    if (isRefusal(outcome)) countInitiatorRefusal(pass, outcome.message, limit);
  } else {
    pass.initiator = outcome;
    pass.progressed = true;
  }
}

function countInitiatorRefusal(pass: Draft, answer: string, limit: number): void {
  const retryCount = (pass.transaction.retryCount ?? 0) + 1;
  const attention = retryCount < limit ? pass.transaction.attention : refusalText('query_prepared', retryCount, answer);
  pass.transaction = { ...pass.transaction, retryCount, attention };
}

/** Counts a call that was deferred because the circuit breaker of its target is open. It is no attempt. */
function recordRefusal(
  pass: Draft,
  index: number,
  answer: string,
  changed: Map<number, BranchRecord>,
  limit: number,
): void {
  if (index === INITIATOR) return countInitiatorRefusal(pass, answer, limit);
  const branch = pass.branches[index]!;
  const next = { ...branch, failures: (branch.failures ?? 0) + 1, lastError: answer };
  pass.branches[index] = next;
  changed.set(index, next);
}

/** Lists every field: records of one shape are several times faster to create and to read than spread copies. */
function recordOutcome(branch: BranchRecord, outcome: Outcome, isDecisive: boolean, now: number): BranchRecord {
  const { branchId, op, url, payload, failures } = branch;
  const attempts = (branch.attempts ?? 0) + 1;
  if (outcome.kind === 'success') {
    return { branchId, op, url, payload, status: 'succeed', finishTime: now, attempts, failures, lastError: undefined };
  }
  const lastError = outcome.message;
  if (outcome.kind === 'failure' && isDecisive) {
    return { branchId, op, url, payload, status: 'failed', finishTime: now, attempts, failures, lastError };
  }
  const failureCount = isRefusal(outcome) ? (failures ?? 0) + 1 : failures;
  const { status, finishTime } = branch;
  return { branchId, op, url, payload, status, finishTime, attempts, failures: failureCount, lastError };
}

/** Avoids checking all branches of a long transaction after each step, which would take longer than the step. */
function mayChangeAttention({ transaction }: Pass, changed: ReadonlyMap<number, BranchRecord>): boolean {
  return (
    changed.size > 0 && (transaction.attention !== undefined || [...changed.values()].some(({ failures }) => failures))
  );
}

function withAttention({ transaction, branches }: Pass, settings: CoordinatorSettings): TransactionRecord {
  const attention = attentionReason(transaction, branches, settings.attentionAfterFailures);
  return attention === transaction.attention ? transaction : { ...transaction, attention };
}

function change(pass: Draft, status: TransactionRecord['status'], reason: string | undefined, now: number): void {
  const { transaction } = pass;
  // other branches are called now, so the interval starts anew
  pass.progressed = true;
  pass.transaction = {
    ...transaction,
    status,
    // for what was called before the change
    attention: undefined,
    rollbackReason: reason ?? transaction.rollbackReason,
    finishTime: status === 'succeed' ? now : transaction.finishTime,
    rollbackTime: status === 'failed' ? now : transaction.rollbackTime,
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
