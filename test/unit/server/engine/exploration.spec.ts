import { isFinal, type GlobalStatus, type Outcome, type TransactionDetails } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { advance, type Step } from '../../../../lib/server/engine/advance.js';
import { MODES } from '../../../../lib/server/engine/modes.js';
import { INITIATOR, beginPass, type Answer, type Pass } from '../../../../lib/server/engine/pass.js';
import { seededRandom } from '../../../support/random.js';
import { SETTINGS, branchRows, msgOf, sagaOf, twoPhaseOf } from './pass-driver.js';

const RUNS = 3000;

/** Passes with faults; in later passes every call succeeds. */
const WILD_PASSES = 12;

const EDGES: Readonly<Record<GlobalStatus, readonly GlobalStatus[]>> = {
  prepared: ['submitted', 'aborting', 'failed'],
  submitted: ['succeed', 'aborting'],
  aborting: ['failed'],
  succeed: [],
  failed: [],
};

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** One transaction from creation to end, with random answers, delays and crashes of the coordinator. */
class Life {
  readonly #random: () => number;
  #now: number;
  /** What is durable. */
  #stored: TransactionDetails;
  readonly #plan: ReadonlyMap<number, readonly number[]>;
  /** Branches that any pass called, and those that answered success in any pass. */
  readonly #called = new Set<number>();
  readonly #succeeded = new Set<number>();
  /** Branches with a call that may have been executed: it was answered otherwise than by a refusal before its execution, or not at all. */
  readonly #executed = new Set<number>();
  readonly #unanswered = new Set<number>();
  /** Branches of a TCC whose try was refused before its execution, as the initiator says. */
  readonly #neverTried = new Set<string>();
  /** Compensations and cancels that ended without a success, because there was nothing to undo. */
  skipped = 0;
  #passes = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const options = {
      timeoutToFailSeconds: this.#chance(0.4) ? this.#upTo(60) + 1 : undefined,
      retryLimit: this.#chance(0.3) ? this.#upTo(3) + 1 : undefined,
    };
    if (this.#chance(0.4)) {
      this.#plan = new Map();
      const mode = this.#chance(0.5) ? 'tcc' : 'xa';
      this.#stored = twoPhaseOf(mode, this.#upTo(6), 'prepared', options);
    } else if (this.#chance(0.3)) {
      this.#plan = new Map();
      this.#stored = msgOf(this.#upTo(6), this.#chance(0.2) ? 'submitted' : 'prepared', {
        ...options,
        concurrent: this.#chance(0.5),
        customData: this.#chance(0.3) ? JSON.stringify({ delay: this.#upTo(30) }) : undefined,
      });
    } else {
      const steps = this.#upTo(7);
      const concurrent = this.#chance(0.6);
      this.#plan = this.#orders(steps, concurrent);
      const orders = Object.fromEntries(this.#plan);
      this.#stored = sagaOf({
        steps,
        concurrent,
        orders,
        options,
        urls: this.#emptyUrls(steps),
        status: this.#chance(0.1) ? 'prepared' : 'submitted',
      });
    }
    this.#now = this.#stored.transaction.createTime;
  }

  run(): string {
    while (!isFinal(this.#stored.transaction.status)) {
      this.#passes += 1;
      check(this.#passes < 60, 'does not come to an end');
      if (this.#stored.transaction.status === 'prepared') this.#initiator();
      this.#pass();
      this.#now = Math.max(this.#now + 1, this.#chance(0.9) ? this.#stored.transaction.nextCronTime : this.#now);
    }
    this.#checkEnd();
    return `${this.#stored.transaction.transType} ${this.#stored.transaction.status}`;
  }

  /** The initiator registers, submits, aborts or does nothing while the transaction is prepared. */
  #initiator(): void {
    const { transaction, branches } = this.#stored;
    const isTwoPhase = this.#isTwoPhase;
    const dice = this.#random();
    if (dice < 0.3) this.#stored = { transaction: { ...transaction, status: 'submitted' }, branches };
    else if (isTwoPhase && dice < 0.6) this.#register();
    else if (isTwoPhase && dice < 0.7) {
      this.#stored = { transaction: { ...transaction, status: 'aborting' }, branches };
      for (const { branchId, op } of branches) if (op === 'cancel' && this.#chance(0.5)) this.#neverTried.add(branchId);
    }
  }

  #register(): void {
    const { transaction, branches } = this.#stored;
    const rows = branchRows(transaction.transType as 'tcc' | 'xa', [`1${branches.length}`]);
    this.#stored = { transaction, branches: [...branches, ...rows] };
  }

  #pass(): void {
    const machine = MODES[this.#stored.transaction.transType].machine(
      this.#stored.transaction,
      this.#stored.branches.length,
      SETTINGS,
    );
    for (const index of this.#unanswered) this.#executed.add(index);
    this.#unanswered.clear();
    let pass: Pass = beginPass(this.#stored, { isFirst: this.#passes === 1, notExecuted: new Set(this.#neverTried) });
    let answers: Answer[] = [];
    const limit = 5 * this.#stored.branches.length + 20;
    for (let steps = 0; ; steps++) {
      check(steps < limit, 'a pass does not end');
      const before = pass;
      const step = advance(machine, pass, answers, this.#now, { settings: SETTINGS, random: this.#random });
      this.#checkStep(before, step, answers);
      pass = step.pass;
      if (step.save) {
        // a branch may be registered between read and save while the stored transaction is prepared
        if (this.#stored.transaction.status === 'prepared' && this.#isTwoPhase && this.#chance(0.2)) this.#register();
        if (this.#isWild && this.#chance(0.03)) return;
        this.#save(step);
        if (this.#isWild && this.#chance(0.03)) return;
      }
      if (step.over) return;
      if (step.reload) pass = { ...pass, branches: this.#stored.branches };
      for (const index of step.calls) {
        this.#called.add(index);
        this.#unanswered.add(index);
      }
      if (this.#isWild && this.#chance(0.02)) return;
      this.#now += this.#upTo(3000);
      answers = this.#answer(pass);
      if (this.#isWild && this.#chance(0.02)) return;
    }
  }

  #save(step: Step): void {
    const { status } = this.#stored.transaction;
    const next = step.pass.transaction.status;
    check(
      status === next || EDGES[status].includes(next) || this.#isShortcut(status, next),
      `status went from ${status} to ${next}`,
    );
    const branches = this.#stored.branches.map((branch, index) => step.changed.get(index) ?? branch);
    this.#stored = { transaction: step.pass.transaction, branches };
  }

  /** Several changes may be stored at once when there was no call in between. */
  #isShortcut(from: GlobalStatus, to: GlobalStatus): boolean {
    return EDGES[from].some((between) => EDGES[between].includes(to));
  }

  /** Answers some of the running calls, at least one. */
  #answer(pass: Pass): Answer[] {
    const running = [...pass.running];
    if (running.length === 0) return [];
    const first = this.#upTo(running.length) - 1;
    return running
      .filter((_, index) => index === first || this.#chance(0.3))
      .map((branch) => {
        const outcome = this.#outcome();
        if (outcome.kind === 'success') this.#succeeded.add(branch);
        this.#unanswered.delete(branch);
        if (outcome.kind !== 'failure' || !outcome.notExecuted) this.#executed.add(branch);
        return { branch, outcome };
      });
  }

  #outcome(): Outcome {
    const dice = this.#isWild ? this.#random() : 1;
    if (dice < 0.06) return { kind: 'failure', message: 'no' };
    if (dice < 0.12) return { kind: 'failure', message: 'no', notExecuted: true };
    if (dice < 0.24) return { kind: 'ongoing', message: 'wait' };
    if (dice < 0.4) return { kind: 'unknown', message: '?' };
    return { kind: 'success', body: '' };
  }

  #checkStep(before: Pass, { pass, calls, over, save, reload }: Step, answers: readonly Answer[]): void {
    const answered = new Set(answers.map((answer) => answer.branch));
    const { status } = pass.transaction;
    for (const index of calls) {
      if (index === INITIATOR) {
        this.#checkInitiator(before, answered);
        continue;
      }
      const { op, branchId, url } = pass.branches[index]!;
      const name = `${branchId} ${op}`;
      check(!before.running.has(index) || answered.has(index), `${name} is called while it is running`);
      check(pass.branches[index]!.status === 'prepared', `${name} is called although it is decided`);
      check(!before.undecided.has(index) && !answered.has(index), `${name} is called twice in a pass`);
      check(url !== '', `${name} is called without a URL`);
      check(
        status === (op === 'action' || op === 'confirm' || op === 'commit' ? 'submitted' : 'aborting'),
        `${name} is called while ${status}`,
      );
      const { createTime, customData = '{}' } = pass.transaction;
      if (pass.transaction.transType === 'msg') {
        const { delay = 0 } = JSON.parse(customData) as { delay?: number };
        check(this.#now >= createTime + delay * 1000, `${name} is delivered before its time`);
        check(pass.transaction.concurrent || pass.running.size === 1, `${name} is called beside another one`);
      }
      if (op === 'action') this.#checkAction(pass, index);
      if (op === 'compensate') this.#checkCompensation(pass, index);
      if (this.#isTwoPhase) check(pass.running.size === 1, `${name} is called beside another one`);
    }
    check(new Set(calls).size === calls.length, 'a branch is called twice at once');
    check(over === (pass.running.size === 0 && !reload), 'over means that nothing runs');
    check(!over || save, 'the end of a pass is stored');
    check(
      !over || isFinal(status) || pass.transaction.nextCronTime > this.#now,
      'what is not finished is due in the future',
    );
    check(!over || pass.transaction.owner === undefined, 'a pass that is over gives its lease back');
  }

  /** Only the initiator of a prepared message at its time-out is queried, once in a pass. */
  #checkInitiator(before: Pass, answered: ReadonlySet<number>): void {
    const { transType, status, createTime, options } = before.transaction;
    const seconds = options.timeoutToFailSeconds ?? SETTINGS.timeoutToFailSeconds;
    check(transType === 'msg' && status === 'prepared', `the initiator of a ${transType} is asked while ${status}`);
    check(this.#now >= createTime + seconds * 1000, 'the initiator is asked before its time');
    check(
      !before.running.has(INITIATOR) && !before.undecided.has(INITIATOR) && !answered.has(INITIATOR),
      'the initiator is asked twice in a pass',
    );
  }

  #checkAction(pass: Pass, index: number): void {
    const step = (index - 1) / 2;
    for (const before of this.#plan.get(step) ?? []) {
      check(pass.branches[2 * before + 1]!.status === 'succeed', `step ${step} starts before step ${before} succeeded`);
    }
  }

  #checkCompensation(pass: Pass, index: number): void {
    const step = index / 2;
    check(!pass.running.has(index + 1), `step ${step} is compensated while its action is running`);
    for (const [later, before] of this.#plan) {
      if (!before.includes(step) || !this.#called.has(2 * later + 1)) continue;
      check(pass.branches[2 * later]!.status === 'succeed', `step ${step} is compensated before step ${later}`);
    }
  }

  #checkEnd(): void {
    const { transaction, branches } = this.#stored;
    const end =
      transaction.status === 'succeed'
        ? { done: ['action', 'confirm', 'commit'], never: ['compensate', 'cancel', 'rollback'] }
        : { done: ['cancel', 'rollback'], never: ['confirm', 'commit'] };
    for (const [index, { op, status, url, branchId }] of branches.entries()) {
      const name = `${branchId} ${op}`;
      check(
        !end.never.includes(op) || !this.#called.has(index),
        `${name} was called, although the end is ${transaction.status}`,
      );
      if (end.done.includes(op)) {
        check(status === 'succeed', `${name} is ${status} at the end`);
        if (url !== '') this.#checkSuccess(index, op === 'cancel' && this.#neverTried.has(branchId));
      }
      if (op === 'action' && transaction.status === 'failed' && this.#called.has(index)) {
        check(transaction.transType === 'saga', 'a message that was delivered failed');
        const { status: undone, url: undo } = branches[index - 1]!;
        check(undone === 'succeed', `step ${branchId} was called and never compensated`);
        if (undo !== '') this.#checkSuccess(index - 1, !this.#executed.has(index));
      }
    }
    check(
      transaction.status !== 'failed' || transaction.rollbackReason !== undefined || this.#isTwoPhase,
      'a saga or message fails for a reason',
    );
    check(
      (transaction.status === 'succeed') === (transaction.finishTime !== undefined),
      'finish_time belongs to success',
    );
    check(
      (transaction.status === 'failed') === (transaction.rollbackTime !== undefined),
      'rollback_time belongs to failure',
    );
  }

  /** What succeeded was answered with success, or had nothing to undo when it was refused. */
  #checkSuccess(index: number, hasNothingToUndo: boolean): void {
    if (this.#succeeded.has(index)) return;
    const { branchId, op } = this.#stored.branches[index]!;
    check(hasNothingToUndo && this.#called.has(index), `${branchId} ${op} succeeded without an answer`);
    this.skipped += 1;
  }

  /** The predecessors of each step, without cycles: all come earlier in a random order. */
  #orders(steps: number, concurrent: boolean): Map<number, number[]> {
    const rank = Array.from({ length: steps }, (_, step) => (concurrent ? this.#random() : step));
    const orders = new Map<number, number[]>();
    for (let step = 0; step < steps; step++) {
      const before = rank.flatMap((value, other) => (value < rank[step]! && this.#chance(0.3) ? [other] : []));
      if (!concurrent && step > 0) before.push(step - 1);
      if (before.length > 0) orders.set(step, before);
    }
    return orders;
  }

  #emptyUrls(steps: number): Record<number, { action?: string; compensate?: string }> {
    const numbers = Array.from({ length: steps }, (_, index) => index + 1).filter(() => this.#chance(0.15));
    return Object.fromEntries(
      numbers.map((number) => [number, this.#chance(0.5) ? { action: '' } : { compensate: '' }]),
    );
  }

  get #isTwoPhase(): boolean {
    const { transType } = this.#stored.transaction;
    return transType === 'tcc' || transType === 'xa';
  }

  get #isWild(): boolean {
    return this.#passes <= WILD_PASSES;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** From 1 to the number. */
  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }
}

describe('random transactions with random answers and crashes', () => {
  it(`keep every rule and come to an end (${RUNS} of them)`, () => {
    const first = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const ends = new Map<string, number>();
    let skipped = 0;
    for (let seed = first; seed < first + RUNS; seed++) {
      try {
        const life = new Life(seed);
        const end = life.run();
        skipped += life.skipped;
        ends.set(end, (ends.get(end) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${(cause as Error).message}; again with DTM_SEED=${seed}`, { cause });
      }
    }
    // every final state was reached, so that all rules were tested
    expect([...ends.keys()].toSorted()).toEqual(
      ['msg', 'saga', 'tcc', 'xa'].flatMap((mode) => [`${mode} failed`, `${mode} succeed`]),
    );
    expect(skipped).toBeGreaterThan(0);
    expect(Math.min(...ends.values())).toBeGreaterThan(RUNS / 300);
  });
});
