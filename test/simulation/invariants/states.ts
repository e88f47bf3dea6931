import {
  isFinal,
  payloadText,
  type BranchRecord,
  type GlobalStatus,
  type TransType,
  type TransactionDetails,
} from 'nestjs-dtm/protocol';
import type { CoordinatorSettings } from 'nestjs-dtm/server';
import { MAX_CLOCK_ERROR_MS } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import { branchKey, type TransactionHistory } from './transaction-history.js';

/** State transitions, see docs/protocol.md#state-machines; `submitted>failed` is a saga without anything to compensate. */
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

/** Checks each durable state of a transaction against the previous one (I9). */
export class StateChecks {
  readonly #simulation: Simulation;
  readonly #settings: CoordinatorSettings;

  constructor(simulation: Simulation, settings: CoordinatorSettings) {
    this.#simulation = simulation;
    this.#settings = settings;
  }

  /** Only final transactions may be deleted, after the retention time, within the accuracy of clocks. */
  checkDeletion(history: TransactionHistory, status: GlobalStatus, ageMs: number): void {
    this.#expect(history, isFinal(status), `was deleted while ${status}`);
    const leastMs = this.#settings.retentionSeconds * 1000 - 2 * MAX_CLOCK_ERROR_MS;
    this.#expect(history, ageMs >= leastMs, `was deleted after ${ageMs} ms`);
  }

  check(history: TransactionHistory, before: TransactionDetails | undefined, after: TransactionDetails): void {
    const { transaction } = after;
    if (before) {
      this.#checkChange(history, before, after);
    } else {
      this.#expect(
        history,
        !isFinal(transaction.status) && transaction.status !== 'aborting',
        `starts as ${transaction.status}`,
      );
      this.#expect(history, transaction.transType === history.plan.mode, `is stored as a ${transaction.transType}`);
    }
    this.#checkRows(history, after.branches);
    if (isFinal(transaction.status)) {
      this.#expect(history, transaction.owner === undefined, `is ${transaction.status} but has an owner`);
      const time = transaction.status === 'succeed' ? transaction.finishTime : transaction.rollbackTime;
      this.#expect(history, time !== undefined, `is ${transaction.status} without a time`);
    }
  }

  #checkChange(history: TransactionHistory, before: TransactionDetails, after: TransactionDetails): void {
    const [from, to] = [before.transaction.status, after.transaction.status];
    if (from !== to) this.#expect(history, this.#isEdge(history, from, to), `went from ${from} to ${to}`);
    for (const field of ['gid', 'transType', 'createTime', 'queryPrepared', 'protocol'] as const) {
      this.#expect(history, before.transaction[field] === after.transaction[field], `changed its ${field}`);
    }
    const { customData } = before.transaction;
    this.#expect(
      history,
      customData === undefined || after.transaction.customData !== undefined,
      'lost its custom_data',
    );
    this.#expect(history, after.branches.length >= before.branches.length, 'lost branches');
    this.#expect(
      history,
      after.branches.length === before.branches.length || from === 'prepared',
      `gained branches while ${from}`,
    );
    for (const [index, row] of before.branches.entries()) this.#checkRow(history, row, after.branches[index]!);
    if (history.plan.mode === 'saga' && !history.isForceStopped) this.#checkRetryCount(history, after);
  }

  /** Each attempt of an action without a decision counts, except ongoing answers. */
  #checkRetryCount(
    history: TransactionHistory,
    { transaction: { retryCount = 0 }, branches }: TransactionDetails,
  ): void {
    if ([...history.answers].some((answer) => answer.endsWith('action ongoing'))) return;
    let attemptCount = 0;
    for (const { op, url, status, attempts = 0 } of branches) {
      if (op === 'action' && url !== '') attemptCount += attempts - (status === 'prepared' ? 0 : 1);
    }
    this.#expect(history, retryCount === attemptCount, `counts ${retryCount} of ${attemptCount} attempts`);
  }

  #isEdge(history: TransactionHistory, from: GlobalStatus, to: GlobalStatus): boolean {
    if (history.isForceStopped && to === 'failed' && !isFinal(from)) return true;
    return EDGES[history.plan.mode].has(`${from}>${to}`);
  }

  #checkRow(history: TransactionHistory, before: BranchRecord, after: BranchRecord): void {
    const name = branchKey(before.branchId, before.op);
    this.#expect(
      history,
      before.status === after.status || before.status === 'prepared',
      `${name} went from ${before.status} to ${after.status}`,
    );
    this.#expect(history, (after.attempts ?? 0) >= (before.attempts ?? 0), `${name} lost attempts`);
    const mayFail = history.plan.mode === 'workflow' || (history.plan.mode === 'saga' && after.op === 'action');
    this.#expect(history, after.status !== 'failed' || mayFail, `${name} failed`);
    if (history.plan.mode === 'workflow' || before.status === after.status || after.url === '') return;
    const answer = after.status === 'succeed' ? 'success' : 'failure';
    this.#expect(
      history,
      history.answers.has(`${name} ${answer}`),
      `${name} is ${after.status} without a matching answer`,
    );
  }

  /** Sagas and messages have all rows from the start, in order. The other modes add rows one by one. */
  #checkRows(history: TransactionHistory, branches: readonly BranchRecord[]): void {
    const { mode } = history.plan;
    if (mode === 'workflow') return;
    const isComplete = mode === 'saga' || mode === 'msg';
    this.#expect(history, !isComplete || branches.length === history.rows.length, `has ${branches.length} rows`);
    for (const [index, { branchId, op, url, payload }] of branches.entries()) {
      const expected = isComplete
        ? history.rows[index]
        : history.rows.find((row) => row.branchId === branchId && row.op === op);
      const isAsExpected =
        expected?.branchId === branchId &&
        expected.op === op &&
        expected.url === url &&
        expected.payload === payloadText(payload);
      this.#expect(
        history,
        isAsExpected,
        `has an unexpected row ${branchKey(branchId, op)} ${url} ${payloadText(payload)}`,
      );
    }
  }

  #expect(history: TransactionHistory, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate('I9', `${history.plan.gid} ${message}`);
  }
}
