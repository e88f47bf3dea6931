import type { BarrierContext } from 'nestjs-dtm/barrier';
import { stepBranchId } from 'nestjs-dtm/protocol';
import { localAmount, type Plan } from '../scenarios/plan.js';
import type { Invariant, Simulation } from '../simulation.js';
import { branchKey, type Life } from './life.js';

/** What undoes an operation, and what it undoes. */
const UNDO: Readonly<Record<string, string>> = { action: 'compensate', try: 'cancel' };

/** Operation that makes a branch count. */
const DONE: Readonly<Record<string, string>> = {
  saga: 'action',
  msg: 'action',
  tcc: 'confirm',
  xa: 'commit',
  workflow: 'action',
};

/** Checks what participants did against what the coordinator has decided (I2, I3, I4, I7). */
export class SettlementChecks {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Business code was committed. */
  effect(life: Life, { branchId, op, transType }: BarrierContext, amount: number): void {
    const key = branchKey(branchId, op);
    this.#expect('I3', life, !life.effects.has(key), `${key} took effect twice`);
    life.effects.set(key, amount);
    const undo = transType === 'workflow' ? 'rollback' : UNDO[op];
    if (undo) this.#expect('I4', life, !life.handled.has(branchKey(branchId, undo)), `${key} came after its ${undo}`);
    if (life.isForced || op === 'msg') return;
    const isHollow = life.rows.some((row) => row.branchId === branchId && row.op === undo && row.url === '');
    this.#expect('I4', life, !life.isFinal || isHollow, `${key} took effect when it was ${life.status}`);
    if (life.plan.mode === 'msg' && life.plan.local) {
      this.#expect('I7', life, life.isCommittedLocally, `${key} was delivered without its local transaction`);
    }
  }

  /** Checks a transaction that is final. */
  settled(life: Life): void {
    if (life.isForced) return;
    if (life.status === 'succeed') this.#succeeded(life);
    else this.#failed(life);
    const { plan } = life;
    const wanted = life.status === 'succeed' ? wantedNet(plan) : 0;
    this.#expect('I1', life, life.net === wanted, `is ${life.status}, its effects come to ${life.net}, not ${wanted}`);
    if (plan.mode === 'msg' && plan.local) {
      const isDelivered = life.status === 'succeed';
      this.#expect(
        'I7',
        life,
        life.isCommittedLocally === isDelivered,
        `is ${life.status}, its local transaction is not`,
      );
    }
  }

  #succeeded(life: Life): void {
    const { mode, transfers } = life.plan;
    const { branches } = life.details!;
    if (mode === 'tcc' || mode === 'xa') {
      this.#expect('I2', life, branches.length === 2 * transfers.length, `succeeded with ${branches.length} rows`);
    }
    const done = DONE[mode]!;
    const keys =
      mode === 'workflow'
        ? transfers.flatMap((_, index) => ['action', 'commit'].map((op) => branchKey(stepBranchId(index + 1), op)))
        : life.rows
            .filter(({ op, url }) => op === done && url !== '')
            .map(({ branchId, op }) => branchKey(branchId, op));
    for (const key of keys) this.#expect('I2', life, this.#happened(life, key), `succeeded without ${key}`);
    for (const key of life.effects.keys()) {
      this.#expect('I2', life, !/compensate|cancel|rollback/.test(key), `succeeded, and there is ${key}`);
    }
  }

  #failed(life: Life): void {
    const { mode } = life.plan;
    for (const key of isBare(life) ? life.handled : life.effects.keys()) {
      const [branchId, op] = key.split(' ') as [string, string];
      const undo = mode === 'workflow' && op === 'action' ? 'rollback' : UNDO[op];
      if (undo) {
        const row = life.rows.find((expected) => expected.branchId === branchId && expected.op === undo);
        const isHollow = row?.url === '';
        this.#expect(
          'I2',
          life,
          isHollow || this.#happened(life, branchKey(branchId, undo)),
          `failed without undoing ${key}`,
        );
      }
      this.#expect('I2', life, op !== 'confirm' && op !== 'commit', `failed, and there is ${key}`);
    }
  }

  /** Participants without barriers have no effects that could be counted. */
  #happened(life: Life, key: string): boolean {
    return isBare(life) ? life.handled.has(key) : life.effects.has(key);
  }

  #expect(invariant: Invariant, life: Life, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${life.plan.gid} ${message}`);
  }
}

/** What all effects come to when it succeeds: a message without a transaction of its initiator's makes money. */
export function wantedNet(plan: Plan): number {
  return plan.mode === 'msg' && !plan.local ? -localAmount(plan) : 0;
}

function isBare({ plan }: Life): boolean {
  return plan.mode === 'saga' && plan.isBare;
}
