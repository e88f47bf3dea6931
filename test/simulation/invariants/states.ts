import {
  isFinal,
  payloadText,
  type BranchRecord,
  type GlobalStatus,
  type TransType,
  type TransactionDetails,
} from 'nestjs-dtm/protocol';
import type { CoordinatorSettings } from 'nestjs-dtm/server';
import { MOST_CLOCK_ERROR_MS } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import { branchKey, type Life } from './life.js';

/** Edges between states, see docs/protocol.md#state-machines; `submitted>failed` is a saga with nothing to compensate. */
const EDGES: Readonly<Record<TransType, ReadonlySet<string>>> = {
  saga: new Set([
    'prepared>submitted',
    'prepared>failed',
    'submitted>succeed',
    'submitted>aborting',
    'submitted>failed',
    'aborting>failed',
  ]),
  msg: new Set(['prepared>submitted', 'prepared>failed', 'submitted>succeed']),
  tcc: new Set(['prepared>submitted', 'prepared>aborting', 'submitted>succeed', 'aborting>failed']),
  xa: new Set(['prepared>submitted', 'prepared>aborting', 'submitted>succeed', 'aborting>failed']),
  workflow: new Set(['prepared>succeed', 'prepared>failed']),
};

/** Checks each durable state of a transaction against the one before (I9). */
export class StateChecks {
  readonly #simulation: Simulation;
  readonly #settings: CoordinatorSettings;

  constructor(simulation: Simulation, settings: CoordinatorSettings) {
    this.#simulation = simulation;
    this.#settings = settings;
  }

  /** Only what is final is deleted, and only when it was kept for long; as far as clocks can tell. */
  checkDeletion(life: Life, status: GlobalStatus, ageMs: number): void {
    this.#expect(life, isFinal(status), `was deleted while ${status}`);
    const leastMs = this.#settings.retentionSeconds * 1000 - 2 * MOST_CLOCK_ERROR_MS;
    this.#expect(life, ageMs >= leastMs, `was deleted after ${ageMs} ms`);
  }

  check(life: Life, before: TransactionDetails | undefined, after: TransactionDetails): void {
    const { transaction } = after;
    if (before) {
      this.#checkChange(life, before, after);
    } else {
      this.#expect(
        life,
        !isFinal(transaction.status) && transaction.status !== 'aborting',
        `begins ${transaction.status}`,
      );
      this.#expect(life, transaction.transType === life.plan.mode, `is stored as a ${transaction.transType}`);
    }
    this.#checkRows(life, after.branches);
    if (isFinal(transaction.status)) {
      this.#expect(life, transaction.owner === undefined, `is ${transaction.status} and has an owner`);
      const time = transaction.status === 'succeed' ? transaction.finishTime : transaction.rollbackTime;
      this.#expect(life, time !== undefined, `is ${transaction.status} without a time`);
    }
  }

  #checkChange(life: Life, before: TransactionDetails, after: TransactionDetails): void {
    const [from, to] = [before.transaction.status, after.transaction.status];
    if (from !== to) this.#expect(life, this.#isEdge(life, from, to), `went from ${from} to ${to}`);
    for (const field of ['gid', 'transType', 'createTime', 'queryPrepared', 'protocol'] as const) {
      this.#expect(life, before.transaction[field] === after.transaction[field], `changed its ${field}`);
    }
    const { customData } = before.transaction;
    this.#expect(life, customData === undefined || after.transaction.customData !== undefined, 'lost its custom_data');
    this.#expect(life, after.branches.length >= before.branches.length, 'lost branches');
    this.#expect(
      life,
      after.branches.length === before.branches.length || from === 'prepared',
      `got branches while ${from}`,
    );
    for (const [index, row] of before.branches.entries()) this.#checkRow(life, row, after.branches[index]!);
    if (life.plan.mode === 'saga' && !life.isForced) this.#checkRetryCount(life, after);
  }

  /** Each try of an action that decided nothing counts, but not those that asked to wait. */
  #checkRetryCount(life: Life, { transaction: { retryCount = 0 }, branches }: TransactionDetails): void {
    if ([...life.answers].some((answer) => answer.endsWith('action ongoing'))) return;
    let tries = 0;
    for (const { op, url, status, attempts = 0 } of branches) {
      if (op === 'action' && url !== '') tries += attempts - (status === 'prepared' ? 0 : 1);
    }
    this.#expect(life, retryCount === tries, `counts ${retryCount} tries of ${tries}`);
  }

  #isEdge(life: Life, from: GlobalStatus, to: GlobalStatus): boolean {
    if (life.isForced && to === 'failed' && !isFinal(from)) return true;
    return EDGES[life.plan.mode].has(`${from}>${to}`);
  }

  #checkRow(life: Life, before: BranchRecord, after: BranchRecord): void {
    const name = branchKey(before.branchId, before.op);
    this.#expect(
      life,
      before.status === after.status || before.status === 'prepared',
      `${name} went from ${before.status} to ${after.status}`,
    );
    this.#expect(life, (after.attempts ?? 0) >= (before.attempts ?? 0), `${name} lost attempts`);
    const mayFail = life.plan.mode === 'workflow' || (life.plan.mode === 'saga' && after.op === 'action');
    this.#expect(life, after.status !== 'failed' || mayFail, `${name} failed`);
    if (life.plan.mode === 'workflow' || before.status === after.status || after.url === '') return;
    const answer = after.status === 'succeed' ? 'success' : 'failure';
    this.#expect(life, life.answers.has(`${name} ${answer}`), `${name} is ${after.status} without such an answer`);
  }

  /** Sagas and messages have all rows from the beginning, in order; the others get theirs one by one. */
  #checkRows(life: Life, branches: readonly BranchRecord[]): void {
    const { mode } = life.plan;
    if (mode === 'workflow') return;
    const isWhole = mode === 'saga' || mode === 'msg';
    this.#expect(life, !isWhole || branches.length === life.rows.length, `has ${branches.length} rows`);
    for (const [index, { branchId, op, url, payload }] of branches.entries()) {
      const expected = isWhole ? life.rows[index] : life.rows.find((row) => row.branchId === branchId && row.op === op);
      const isAsExpected =
        expected?.branchId === branchId &&
        expected.op === op &&
        expected.url === url &&
        expected.payload === payloadText(payload);
      this.#expect(
        life,
        isAsExpected,
        `has an unexpected row ${branchKey(branchId, op)} ${url} ${payloadText(payload)}`,
      );
    }
  }

  #expect(life: Life, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate('I9', `${life.plan.gid} ${message}`);
  }
}
