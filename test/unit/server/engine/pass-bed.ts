import type {
  BranchRecord,
  GlobalStatus,
  Outcome,
  StepUrls,
  TransactionDetails,
  TransactionOptions,
  TransactionRecord,
} from 'nestjs-dtm/protocol';
import { advance, machineOf, type Step } from '../../../../lib/server/engine/advance.js';
import { createTransaction } from '../../../../lib/server/engine/create.js';
import { beginPass, type Machine, type Pass } from '../../../../lib/server/engine/pass.js';
import { tccBranches } from '../../../../lib/server/engine/tcc.js';
import { resolveSettings, type CoordinatorSettings } from '../../../../lib/server/settings.js';
import { START_TIME } from '../../../support/virtual-clock.js';

export const SETTINGS: CoordinatorSettings = resolveSettings({});

/** What a saga in a test looks like; steps are named by their number, and have URLs unless said otherwise. */
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
  );
}

/** A TCC with that many registered branches. */
export function tccOf(branches: number, status: GlobalStatus, options: TransactionOptions = {}): TransactionDetails {
  const { transaction } = createTransaction({ gid: 'g', transType: 'tcc', ...options }, status, SETTINGS, START_TIME);
  const ids = Array.from({ length: branches }, (_, index) => `0${index + 1}`);
  return {
    transaction,
    branches: ids.flatMap((branchId) =>
      tccBranches({
        gid: 'g',
        transType: 'tcc',
        branchId,
        confirm: `http://b/confirm${branchId}`,
        cancel: `http://b/cancel${branchId}`,
        payload: '',
      }),
    ),
  };
}

/** Changes some branch rows, named like `01 action`. */
export function withBranches(
  details: TransactionDetails,
  changes: Readonly<Record<string, Partial<BranchRecord>>>,
): TransactionDetails {
  const branches = details.branches.map((branch) => ({ ...branch, ...changes[`${branch.branchId} ${branch.op}`] }));
  return { ...details, branches };
}

/** A pass that a test takes step by step; branches are named like `01 action`. */
export class PassBed {
  pass: Pass;
  /** The last step. */
  step!: Step;
  /** Every call so far. */
  readonly calls: string[] = [];
  readonly #machine: Machine;
  now: number;
  random = 0;

  constructor(details: TransactionDetails, now: number = START_TIME) {
    this.#machine = machineOf(details.transaction, details.branches.length, SETTINGS);
    this.pass = beginPass(details);
    this.now = now;
  }

  get transaction(): TransactionRecord {
    return this.pass.transaction;
  }

  /** Status with those of the branches that are not prepared any more. */
  get summary(): string {
    const decided = this.pass.branches.filter(({ status }) => status !== 'prepared');
    return [this.transaction.status, ...decided.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`)].join(
      ', ',
    );
  }

  get running(): string[] {
    return [...this.pass.running].map((index) => this.#name(index));
  }

  /** Takes the next step with the answers that came meanwhile, and gives back what is to be called. */
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

  /** Goes on to the end: every call is answered as told, or with success, the one that was made first being answered first. */
  run(answers: Readonly<Record<string, Outcome>> = {}): this {
    this.advance();
    while (!this.step.over) {
      const name = this.step.reload ? undefined : this.running[0]!;
      this.advance(name ? { [name]: answers[name] ?? { kind: 'success', body: '' } } : {});
    }
    return this;
  }

  #name(index: number): string {
    const { branchId, op } = this.pass.branches[index]!;
    return `${branchId} ${op}`;
  }

  #index(name: string): number {
    return this.pass.branches.findIndex(({ branchId, op }) => `${branchId} ${op}` === name);
  }
}
