import { resolveSettings } from '../../../lib/server/settings.js';
import type { Faults } from '../faults/faults.js';
import type { DatabaseKind } from '../environment/simulated-database.js';
import type { MsgPlan, Plan, SagaPlan, Transfer, TwoPhasePlan, WorkflowPlan } from './plan.js';
import type { Scenario } from './scenario.js';

/** A scenario of the exhaustive mode: one transaction; only latencies are random. */
export interface SmallScenario {
  readonly title: string;
  readonly plan: Plan;
  readonly database: DatabaseKind;
}

const SETTINGS = resolveSettings({
  timeoutToFailSeconds: 10,
  retryIntervalSeconds: 3,
  maxRetryIntervalSeconds: 20,
  requestTimeoutSeconds: 2,
  breakerFailures: 1,
  attentionAfterFailures: 1,
});

/** Period in which the fault may occur; the transaction takes one or two seconds. */
const FAULT_PERIOD_MS = 60_000;

const transfers = (refusing = -1, count = 2): Transfer[] =>
  Array.from({ length: count }, (_, index) => ({
    bank: index,
    account: 0,
    amount: index === count - 1 ? 10 * (count - 1) : -10,
    refuses: index === refusing,
  }));

const common = { gid: 'g0', startMs: 0, transfers: transfers(), options: {}, retries: 2 } as const;

const saga = (change: Partial<SagaPlan> = {}): SagaPlan => ({
  ...common,
  mode: 'saga',
  isConcurrent: false,
  orders: new Map(),
  omitted: new Map(),
  skipsBarrier: false,
  isPrepared: false,
  ...change,
});

const twoPhase = (mode: 'tcc' | 'xa', change: Partial<TwoPhasePlan> = {}): TwoPhasePlan => ({
  ...common,
  mode,
  isParallel: false,
  ignoresTries: false,
  givesUp: false,
  onUnknownSubmit: 'nothing',
  ...change,
});

const msg = (change: Partial<MsgPlan> = {}): MsgPlan => ({
  ...common,
  mode: 'msg',
  local: 'commits',
  hasQueryBack: true,
  isConcurrent: false,
  delaySeconds: 0,
  delaySentWith: 'submit',
  topics: new Map(),
  ...change,
});

const workflow = (change: Partial<WorkflowPlan> = {}): WorkflowPlan => ({ ...common, mode: 'workflow', ...change });

const refused = { transfers: transfers(1) };

const PLANS: Readonly<Record<string, Plan>> = {
  'a saga': saga(),
  'a saga that is refused': saga(refused),
  'a saga whose initiator waits for the result': saga({ options: { waitResult: true } }),
  'a saga that times out': saga({ options: { timeoutToFailSeconds: 2, retryLimit: 1 }, ...refused }),
  'a saga that is prepared first': saga({ isPrepared: true, options: { timeoutToFailSeconds: 10 } }),
  'a saga without barriers': saga({ skipsBarrier: true, ...refused }),
  'a concurrent saga': saga({
    isConcurrent: true,
    transfers: transfers(-1, 3),
    orders: new Map([[2, [0, 1]]]),
  }),
  'a concurrent saga that is refused': saga({
    isConcurrent: true,
    transfers: transfers(2, 3),
    orders: new Map([[2, [0]]]),
  }),
  'a TCC': twoPhase('tcc'),
  'a TCC that is refused': twoPhase('tcc', refused),
  'a TCC whose initiator ignores its tries': twoPhase('tcc', { ...refused, ignoresTries: true }),
  'a TCC that its initiator aborts': twoPhase('tcc', { givesUp: true, isParallel: true }),
  'a TCC that is aborted after an unknown submit': twoPhase('tcc', {
    onUnknownSubmit: 'abort',
    options: { waitResult: true },
  }),
  'an XA transaction': twoPhase('xa'),
  'an XA transaction that is refused': twoPhase('xa', { ...refused, isParallel: true }),
  'an XA transaction that its initiator aborts': twoPhase('xa', { givesUp: true }),
  'a message': msg(),
  'a message without a local transaction': msg({ local: undefined, options: { waitResult: true } }),
  'a message whose local transaction fails': msg({ local: 'refuses' }),
  'a message whose local commit gets no answer': msg({ local: 'commits without answer' }),
  'a delayed message': msg({ delaySeconds: 5, isConcurrent: true }),
  'a message with its delay in the prepare': msg({ delaySeconds: 5, delaySentWith: 'prepare' }),
  'a message to a topic': msg({ topics: new Map([[0, 2]]), isConcurrent: true }),
  'a workflow': workflow(),
  'a workflow that is refused': workflow(refused),
};

/** Each plan on an exclusive database, and on a database that two coordinators share. */
export const SMALL_SCENARIOS: readonly SmallScenario[] = Object.entries(PLANS).flatMap(([title, plan]) =>
  (['exclusive', 'shared'] as const).map((database) => ({ title: `${title}, ${database}`, plan, database })),
);

/** Creates the scenario with the given faults. */
export function smallScenario({ plan, database }: SmallScenario, faults: Faults): Scenario {
  return {
    seed: 1,
    database,
    coordinators: database === 'shared' ? 2 : 1,
    skewMs: 0,
    settings: SETTINGS,
    plans: [plan],
    // each poll without due work would be one more opportunity for faults
    latenessMs: 20_000,
    isPruned: false,
    faults: () => faults,
    faultPeriodMs: FAULT_PERIOD_MS,
  };
}
