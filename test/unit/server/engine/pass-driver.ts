import type {
  BranchRecord,
  GlobalStatus,
  Outcome,
  StepUrls,
  TransactionDetails,
  TransactionOptions,
  TransactionRecord,
  TransactionRequest,
} from 'nestjs-dtm/protocol';
import { advance, type Step } from '../../../../lib/server/engine/advance.js';
import { createTransaction } from '../../../../lib/server/engine/create-transaction.js';
import { MODES } from '../../../../lib/server/engine/modes.js';
import { INITIATOR, beginPass, type Machine, type Pass } from '../../../../lib/server/engine/pass.js';
import { resolveSettings, type CoordinatorSettings } from '../../../../lib/server/settings.js';
import { START_TIME } from '../../../support/virtual-clock.js';

export const SETTINGS: CoordinatorSettings = resolveSettings({});

/** The shape of a saga in a test; steps are identified by their number and have URLs by default. */
export interface SagaShape {
  readonly steps: number;
  readonly urls?: Readonly<Record<number, Partial<StepUrls>>>;
  readonly concurrent?: boolean;
  readonly orders?: Readonly<Record<number, readonly number[]>>;
  readonly options?: TransactionOptions;
  readonly status?: GlobalStatus;
}

export function sagaOf({
  steps,
  urls = {},
  concurrent = false,
  orders,
  options = {},
  status = 'submitted',
}: SagaShape): TransactionDetails {
  const numbers = Array.from({ length: steps }, (_, index) => index + 1);
  return createTransaction(
    {
      gid: 'g',
      transType: 'saga',
      steps: numbers.map((number) => ({
        action: `http://b/a${number}`,
        compensate: `http://b/c${number}`,
        ...urls[number],
      })),
      payloads: numbers.map((number) => `payload ${number}`),
      customData: concurrent || orders ? JSON.stringify({ concurrent, orders: orders ?? {} }) : undefined,
      ...options,
    },
    status,
    SETTINGS,
    START_TIME,
    noTopics,
  );
}

/** Creates the branches of a TCC or XA with these ids; their URLs contain operation and id. */
export function branchRows(transType: 'tcc' | 'xa', ids: readonly string[]): BranchRecord[] {
  const shape = { gid: 'g', payload: '' };
  return ids.flatMap((branchId) => {
    const rows =
      transType === 'tcc'
        ? MODES.tcc.register!(
            {
              ...shape,
              transType,
              branchId,
              confirm: `http://b/confirm${branchId}`,
              cancel: `http://b/cancel${branchId}`,
            },
            START_TIME,
          )
        : MODES.xa.register!({ ...shape, transType, branchId, url: `http://b/xa${branchId}` }, START_TIME);
    return rows!;
  });
}

/** A TCC or XA with a number of registered branches. */
export function twoPhaseOf(
  transType: 'tcc' | 'xa',
  branches: number,
  status: GlobalStatus,
  options: TransactionOptions = {},
): TransactionDetails {
  const { transaction } = createTransaction(
    { gid: 'g', transType, ...options },
    status,
    SETTINGS,
    START_TIME,
    noTopics,
  );
  const ids = Array.from({ length: branches }, (_, index) => `0${index + 1}`);
  return { transaction, branches: branchRows(transType, ids) };
}

/** A TCC with a number of registered branches. */
export function tccOf(branches: number, status: GlobalStatus, options: TransactionOptions = {}): TransactionDetails {
  return twoPhaseOf('tcc', branches, status, options);
}

/** A message with a number of steps; `http://b/q` is its query-back. */
export function msgOf(
  steps: number,
  status: GlobalStatus,
  change: Partial<TransactionRequest> = {},
): TransactionDetails {
  const numbers = Array.from({ length: steps }, (_, index) => index + 1);
  return createTransaction(
    {
      gid: 'g',
      transType: 'msg',
      steps: numbers.map((number) => ({ action: `http://b/a${number}` })),
      payloads: numbers.map((number) => `payload ${number}`),
      queryPrepared: 'http://b/q',
      ...change,
    },
    status,
    SETTINGS,
    START_TIME,
    noTopics,
  );
}

/** A workflow called `transfer` with the input `in`. */
export function workflowOf(change: Partial<TransactionRequest> = {}): TransactionDetails {
  return createTransaction(
    {
      gid: 'g',
      transType: 'workflow',
      queryPrepared: 'http://b/w',
      customData: JSON.stringify({ name: 'transfer', data: 'aW4=' }),
      ...change,
    },
    'prepared',
    SETTINGS,
    START_TIME,
    noTopics,
  );
}

function noTopics(): readonly string[] {
  return [];
}

/** Changes some branches, which are named like `01 action`. */
export function withBranches(
  details: TransactionDetails,
  changes: Readonly<Record<string, Partial<BranchRecord>>>,
): TransactionDetails {
  const branches = details.branches.map((branch) => ({ ...branch, ...changes[`${branch.branchId} ${branch.op}`] }));
  return { ...details, branches };
}

/** Runs a pass step by step; branches are named like `01 action`. */
export class PassDriver {
  pass: Pass;
  /** The last step. */
  step!: Step;
  /** Every call so far. */
  readonly calls: string[] = [];
  readonly #machine: Machine;
  now: number;
  random = 0;

  constructor(details: TransactionDetails, now: number = START_TIME, start: Parameters<typeof beginPass>[1] = {}) {
    const { transaction, branches } = details;
    this.#machine = MODES[transaction.transType].machine(transaction, branches.length, SETTINGS);
    this.pass = beginPass(details, start);
    this.now = now;
  }

  get transaction(): TransactionRecord {
    return this.pass.transaction;
  }

  /** Status of the transaction and of the branches that are not prepared. */
  get summary(): string {
    const decided = this.pass.branches.filter(({ status }) => status !== 'prepared');
    return [this.transaction.status, ...decided.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`)].join(
      ', ',
    );
  }

  get running(): string[] {
    return [...this.pass.running].map((index) => this.#name(index));
  }

  /** Advances one step with answers; returns the calls to make. */
  advance(answers: Readonly<Record<string, Outcome>> = {}): string[] {
    const received = Object.entries(answers).map(([name, outcome]) => ({ branch: this.#index(name), outcome }));
    this.step = advance(this.#machine, this.pass, received, this.now, {
      settings: SETTINGS,
      random: () => this.random,
    });
    this.pass = this.step.pass;
    const calls = this.step.calls.map((index) => this.#name(index));
    this.calls.push(...calls);
    return calls;
  }

  /** Runs to the end. Calls are answered in their order, with success unless told otherwise. */
  run(answers: Readonly<Record<string, Outcome>> = {}): this {
    this.advance();
    while (!this.step.over) {
      const name = this.step.reload ? undefined : this.running[0]!;
      this.advance(name ? { [name]: answers[name] ?? { kind: 'success', body: '' } } : {});
    }
    return this;
  }

  #name(index: number): string {
    const initiator = index === INITIATOR ? this.#machine.initiator?.(this.transaction) : undefined;
    const { branchId, op } = initiator ?? this.pass.branches[index]!;
    return `${branchId} ${op}`;
  }

  #index(name: string): number {
    // no branch has the name of the initiator, and -1 of findIndex equals INITIATOR
    return this.pass.branches.findIndex(({ branchId, op }) => `${branchId} ${op}` === name);
  }
}
