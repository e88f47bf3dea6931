import { resolveSettings } from '../../../lib/server/settings.js';
import type { TransactionOptions } from 'nestjs-dtm/protocol';
import { ACCOUNTS } from '../bank/bank.js';
import { RandomFaults } from '../faults/random-faults.js';
import { RandomSource } from '../scheduler/random-source.js';
import { MAX_SUBSCRIBERS, type MsgPlan, type Plan, type SagaPlan, type Transfer } from './plan.js';
import { BANKS, type Scenario } from './scenario.js';

const MODES = ['saga', 'saga', 'tcc', 'xa', 'msg', 'msg', 'workflow'] as const;

/** Longer than any delay and clock error: a transaction that is deleted earlier could be submitted a second time. */
const RETENTION_SECONDS = 4 * 3600;

/** Separates the random numbers of the scenario from those of its run. */
const SALT = 0x5bd1e995;

/** Creates a random scenario: the same seed gives the same scenario. */
export function randomScenario(seed: number): Scenario {
  const random = new RandomSource(seed ^ SALT);
  const isShared = random.chance(0.5);
  const coordinators = isShared ? random.pick([1, 2, 2]) : 1;
  const faultPeriodMs = random.between(20, 180) * 1000;
  const count = random.between(1, 8);
  return {
    seed,
    database: isShared ? 'shared' : 'exclusive',
    coordinators,
    skewMs: coordinators > 1 ? random.pick([0, 0, 5000, 10_000, -10_000]) : 0,
    settings: resolveSettings({
      timeoutToFailSeconds: random.between(5, 35),
      retryIntervalSeconds: random.between(2, 10),
      maxRetryIntervalSeconds: random.between(10, 60),
      requestTimeoutSeconds: random.between(1, 3),
      pollIntervalSeconds: random.pick([0.5, 1, 2]),
      maxParallelRecovery: random.pick([1, 2, 64]),
      maxParallelRecoveryPerTarget: random.pick([1, 2, 16]),
      breakerFailures: random.pick([1, 2, 5]),
      breakerProbeSeconds: random.pick([0.5, 2, 10]),
      attentionAfterFailures: random.pick([1, 3]),
      retentionSeconds: RETENTION_SECONDS,
    }),
    plans: Array.from({ length: count }, (_, index) => planOf(random, `g${index}`, random.below(faultPeriodMs))),
    latenessMs: 2000,
    isPruned: random.chance(0.05),
    faults: (runRandom) => new RandomFaults(runRandom),
    faultPeriodMs,
  };
}

function planOf(random: RandomSource, gid: string, startMs: number): Plan {
  const mode = random.pick(MODES);
  const common = {
    gid,
    startMs,
    transfers: transfersOf(random),
    options: optionsOf(random, mode),
    retries: random.below(4),
  };
  switch (mode) {
    case 'saga':
      return sagaOf(random, common);
    case 'msg':
      return msgOf(random, common);
    case 'workflow':
      return { ...common, mode };
    default: {
      const onUnknownSubmit = random.pick(['nothing', 'abort'] as const);
      const ignoresTries = mode === 'tcc' && random.chance(0.2);
      return {
        ...common,
        mode,
        isParallel: random.chance(0.4),
        ignoresTries,
        givesUp: random.chance(0.15),
        onUnknownSubmit,
      };
    }
  }
}

type Common = Pick<Plan, 'gid' | 'startMs' | 'transfers' | 'options' | 'retries'>;

function sagaOf(random: RandomSource, common: Common): SagaPlan {
  const isConcurrent = random.chance(0.5);
  const skipsBarrier = random.chance(0.2);
  const omitted = new Map<number, 'action' | 'compensate'>();
  const transfers = common.transfers.map((transfer, index) => {
    if (transfer.amount !== 0 && !skipsBarrier) return transfer;
    if (random.chance(0.4)) omitted.set(index, random.pick(['action', 'compensate'] as const));
    return transfer;
  });
  const isPrepared = random.chance(0.15);
  return {
    ...common,
    mode: 'saga',
    transfers,
    isConcurrent,
    orders: isConcurrent ? ordersOf(random, transfers.length) : new Map(),
    omitted,
    skipsBarrier,
    isPrepared,
  };
}

/** Random predecessors of each step. They respect a random order of the steps, so no cycle is possible. */
function ordersOf(random: RandomSource, steps: number): Map<number, number[]> {
  const ranks = Array.from({ length: steps }, () => random.next());
  const orders = new Map<number, number[]>();
  for (const step of ranks.keys()) {
    const before = [...ranks.keys()].filter((other) => ranks[other]! < ranks[step]! && random.chance(0.4));
    if (before.length > 0) orders.set(step, before);
  }
  return orders;
}

function msgOf(random: RandomSource, common: Common): MsgPlan {
  const topics = new Map<number, number>();
  for (const index of common.transfers.keys())
    if (random.chance(0.2)) topics.set(index, random.between(1, MAX_SUBSCRIBERS));
  const local = random.chance(0.25)
    ? undefined
    : random.pick(['commits', 'commits', 'commits', 'refuses', 'rolls back', 'commits without answer'] as const);
  return {
    ...common,
    mode: 'msg',
    local,
    hasQueryBack: random.chance(0.9),
    isConcurrent: random.chance(0.4),
    delaySeconds: random.chance(0.3) ? random.between(1, 20) : 0,
    delaySentWith: random.pick(['prepare', 'submit', 'both'] as const),
    topics,
  };
}

/** Random transfers that add up to 0. Some exceed the balance, some are 0. */
function transfersOf(random: RandomSource): Transfer[] {
  const count = random.between(1, 4);
  const most = random.pick([0, 50, 50, 700]);
  const amounts = Array.from({ length: count }, () => random.between(-most, most));
  const refusing = random.chance(0.25) ? random.below(count) : -1;
  const last = amounts.slice(0, -1).reduce((sum, amount) => sum + amount, 0);
  return amounts.map((amount, index) => ({
    bank: random.below(BANKS),
    account: random.below(ACCOUNTS),
    amount: index === count - 1 ? 0 - last : amount,
    refuses: index === refusing,
  }));
}

function optionsOf(random: RandomSource, mode: Plan['mode']): TransactionOptions {
  const maybe = (share: number, least: number, most: number): number | undefined =>
    random.chance(share) ? random.between(least, most) : undefined;
  const options = {
    waitResult: random.chance(0.4) || undefined,
    timeoutToFailSeconds: maybe(0.4, 3, 40),
    retryIntervalSeconds: maybe(0.4, 1, 5),
    requestTimeoutSeconds: maybe(0.3, 1, 15),
    retryLimit: mode === 'saga' ? maybe(0.25, 1, 3) : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
