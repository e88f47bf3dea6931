import type { BarrierContext } from 'nestjs-dtm/barrier';
import { stepBranchId } from '../../../lib/protocol/internal.js';
import { localAmount, type Plan } from '../scenarios/plan.js';
import type { Invariant, Simulation } from '../simulation.js';
import { branchKey, type TransactionHistory } from './transaction-history.js';

/** The operation that undoes each operation. */
const UNDO: Readonly<Record<string, string>> = { action: 'compensate', try: 'cancel' };

/** The operation that completes a branch, by mode. */
const DONE: Readonly<Record<string, string>> = {
  saga: 'action',
  msg: 'action',
  tcc: 'confirm',
  xa: 'commit',
  workflow: 'action',
};

/** Checks the effects at participants against the decisions of the coordinator (I2, I3, I4, I7). */
export class EffectChecks {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** The business code of a branch was committed. */
  effect(history: TransactionHistory, { branchId, op, transType }: BarrierContext, amount: number): void {
    const key = branchKey(branchId, op);
    this.#expect('I3', history, !history.effects.has(key), `${key} took effect twice`);
    history.effects.set(key, amount);
    const undo = transType === 'workflow' ? 'rollback' : UNDO[op];
    if (undo)
      this.#expect(
        'I4',
        history,
        !history.handled.has(branchKey(branchId, undo)),
        `${key} took effect after its ${undo}`,
      );
    if (history.isForceStopped || op === 'msg') return;
    const isOmitted = history.rows.some((row) => row.branchId === branchId && row.op === undo && row.url === '');
    this.#expect(
      'I4',
      history,
      !history.isFinal || isOmitted,
      `${key} took effect while the transaction was ${history.status}`,
    );
    if (history.plan.mode === 'msg' && history.plan.local) {
      this.#expect('I7', history, history.isCommittedLocally, `${key} was delivered without the local transaction`);
    }
  }

  /** Checks a final transaction. */
  final(history: TransactionHistory): void {
    if (history.isForceStopped) return;
    if (history.status === 'succeed') this.#succeeded(history);
    else this.#failed(history);
    const { plan } = history;
    const wanted = history.status === 'succeed' ? wantedNet(plan) : 0;
    this.#expect(
      'I1',
      history,
      history.net === wanted,
      `is ${history.status}; its effects add up to ${history.net}, expected ${wanted}`,
    );
    if (plan.mode === 'msg' && plan.local) {
      const isDelivered = history.status === 'succeed';
      this.#expect(
        'I7',
        history,
        history.isCommittedLocally === isDelivered,
        `is ${history.status}, unlike its local transaction`,
      );
    }
  }

  #succeeded(history: TransactionHistory): void {
    const { mode, transfers } = history.plan;
    const { branches } = history.details!;
    if (mode === 'tcc' || mode === 'xa') {
      this.#expect('I2', history, branches.length === 2 * transfers.length, `succeeded with ${branches.length} rows`);
    }
    const done = DONE[mode]!;
    const keys =
      mode === 'workflow'
        ? transfers.flatMap((_, index) => ['action', 'commit'].map((op) => branchKey(stepBranchId(index + 1), op)))
        : history.rows
            .filter(({ op, url }) => op === done && url !== '')
            .map(({ branchId, op }) => branchKey(branchId, op));
    for (const key of keys) this.#expect('I2', history, this.#happened(history, key), `succeeded without ${key}`);
    for (const key of history.effects.keys()) {
      this.#expect('I2', history, !/compensate|cancel|rollback/.test(key), `succeeded in spite of ${key}`);
    }
  }

  #failed(history: TransactionHistory): void {
    const { mode } = history.plan;
    for (const key of usesNoBarrier(history) ? history.handled : history.effects.keys()) {
      const [branchId, op] = key.split(' ') as [string, string];
      const undo = mode === 'workflow' && op === 'action' ? 'rollback' : UNDO[op];
      if (undo) {
        const row = history.rows.find((expected) => expected.branchId === branchId && expected.op === undo);
        const isOmitted = row?.url === '';
        this.#expect(
          'I2',
          history,
          isOmitted || this.#happened(history, branchKey(branchId, undo)),
          `failed without undoing ${key}`,
        );
      }
      this.#expect('I2', history, op !== 'confirm' && op !== 'commit', `failed in spite of ${key}`);
    }
  }

  /** Without barriers there are no effects to count, so completed calls count. */
  #happened(history: TransactionHistory, key: string): boolean {
    return usesNoBarrier(history) ? history.handled.has(key) : history.effects.has(key);
  }

  #expect(invariant: Invariant, history: TransactionHistory, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${history.plan.gid} ${message}`);
  }
}

/** Expected sum of all effects after success: a message without a local transaction creates money. */
export function wantedNet(plan: Plan): number {
  return plan.mode === 'msg' && !plan.local ? -localAmount(plan) : 0;
}

function usesNoBarrier({ plan }: TransactionHistory): boolean {
  return plan.mode === 'saga' && plan.skipsBarrier;
}
