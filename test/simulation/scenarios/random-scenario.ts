import { resolveSettings } from '../../../lib/server/settings.js';
import type { TransactionOptions } from 'nestjs-dtm/protocol';
import { ACCOUNTS } from '../bank/bank.js';
import { RandomFaults } from '../faults/random-faults.js';
import { Dice } from '../scheduler/dice.js';
import { MOST_SUBSCRIBERS, type MsgPlan, type Plan, type SagaPlan, type Transfer } from './plan.js';
import { BANKS, type Scenario } from './scenario.js';

const MODES = ['saga', 'saga', 'tcc', 'xa', 'msg', 'msg', 'workflow'] as const;

/** Longer than what is late, and than clocks are wrong: what is deleted too early could be submitted anew. */
const RETENTION_SECONDS = 4 * 3600;

/** Keeps the dice of the scenario apart from those of its run. */
const SALT = 0x5bd1e995;

/** A world made by chance: the same one for the same seed. */
export function randomScenario(seed: number): Scenario {
  const dice = new Dice(seed ^ SALT);
  const isShared = dice.chance(0.5);
  const coordinators = isShared ? dice.pick([1, 2, 2]) : 1;
  const chaosMs = dice.between(20, 180) * 1000;
  const count = dice.between(1, 8);
  return {
    seed,
    database: isShared ? 'shared' : 'exclusive',
    coordinators,
    skewMs: coordinators > 1 ? dice.pick([0, 0, 5000, 10_000, -10_000]) : 0,
    settings: resolveSettings({
      timeoutToFailSeconds: dice.between(5, 35),
      retryIntervalSeconds: dice.between(2, 10),
      maxRetryIntervalSeconds: dice.between(10, 60),
      requestTimeoutSeconds: dice.between(1, 3),
      pollIntervalSeconds: dice.pick([0.5, 1, 2]),
      maxParallelRecovery: dice.pick([1, 2, 64]),
      maxParallelRecoveryPerTarget: dice.pick([1, 2, 16]),
      breakerFailures: dice.pick([1, 2, 5]),
      breakerProbeSeconds: dice.pick([0.5, 2, 10]),
      attentionAfterFailures: dice.pick([1, 3]),
      retentionSeconds: RETENTION_SECONDS,
    }),
    plans: Array.from({ length: count }, (_, index) => planOf(dice, `g${index}`, dice.below(chaosMs))),
    latenessMs: 2000,
    isPruned: dice.chance(0.05),
    faults: (chance) => new RandomFaults(chance),
    chaosMs,
  };
}

function planOf(dice: Dice, gid: string, startMs: number): Plan {
  const mode = dice.pick(MODES);
  const common = {
    gid,
    startMs,
    transfers: transfersOf(dice),
    options: optionsOf(dice, mode),
    retries: dice.below(4),
  };
  switch (mode) {
    case 'saga':
      return sagaOf(dice, common);
    case 'msg':
      return msgOf(dice, common);
    case 'workflow':
      return { ...common, mode };
    default: {
      const whenUnsure = dice.pick(['nothing', 'abort'] as const);
      const isCareless = mode === 'tcc' && dice.chance(0.2);
      return { ...common, mode, isParallel: dice.chance(0.4), isCareless, givesUp: dice.chance(0.15), whenUnsure };
    }
  }
}

type Common = Pick<Plan, 'gid' | 'startMs' | 'transfers' | 'options' | 'retries'>;

function sagaOf(dice: Dice, common: Common): SagaPlan {
  const isConcurrent = dice.chance(0.5);
  const isBare = dice.chance(0.2);
  const hollow = new Map<number, 'action' | 'compensate'>();
  const transfers = common.transfers.map((transfer, index) => {
    if (transfer.amount !== 0 && !isBare) return transfer;
    if (dice.chance(0.4)) hollow.set(index, dice.pick(['action', 'compensate'] as const));
    return transfer;
  });
  const isPrepared = dice.chance(0.15);
  return {
    ...common,
    mode: 'saga',
    transfers,
    isConcurrent,
    orders: isConcurrent ? ordersOf(dice, transfers.length) : new Map(),
    hollow,
    isBare,
    isPrepared,
  };
}

/** For each step steps before it, without circles: they all come earlier in some random order. */
function ordersOf(dice: Dice, steps: number): Map<number, number[]> {
  const ranks = Array.from({ length: steps }, () => dice.random());
  const orders = new Map<number, number[]>();
  for (const step of ranks.keys()) {
    const before = [...ranks.keys()].filter((other) => ranks[other]! < ranks[step]! && dice.chance(0.4));
    if (before.length > 0) orders.set(step, before);
  }
  return orders;
}

function msgOf(dice: Dice, common: Common): MsgPlan {
  const topics = new Map<number, number>();
  for (const index of common.transfers.keys())
    if (dice.chance(0.2)) topics.set(index, dice.between(1, MOST_SUBSCRIBERS));
  const local = dice.chance(0.25)
    ? undefined
    : dice.pick(['commits', 'commits', 'commits', 'refuses', 'rolls back', 'commits without answer'] as const);
  return {
    ...common,
    mode: 'msg',
    local,
    hasCheckBack: dice.chance(0.9),
    isConcurrent: dice.chance(0.4),
    delaySeconds: dice.chance(0.3) ? dice.between(1, 20) : 0,
    delayToldAt: dice.pick(['prepare', 'submit', 'both'] as const),
    topics,
  };
}

/** Amounts that come to nothing over all; sometimes more than an account holds, sometimes nothing at all. */
function transfersOf(dice: Dice): Transfer[] {
  const count = dice.between(1, 4);
  const most = dice.pick([0, 50, 50, 700]);
  const amounts = Array.from({ length: count }, () => dice.between(-most, most));
  const refusing = dice.chance(0.25) ? dice.below(count) : -1;
  const last = amounts.slice(0, -1).reduce((sum, amount) => sum + amount, 0);
  return amounts.map((amount, index) => ({
    bank: dice.below(BANKS),
    account: dice.below(ACCOUNTS),
    amount: index === count - 1 ? 0 - last : amount,
    refuses: index === refusing,
  }));
}

function optionsOf(dice: Dice, mode: Plan['mode']): TransactionOptions {
  const maybe = (share: number, least: number, most: number): number | undefined =>
    dice.chance(share) ? dice.between(least, most) : undefined;
  const options = {
    waitResult: dice.chance(0.4) || undefined,
    timeoutToFailSeconds: maybe(0.4, 3, 40),
    retryIntervalSeconds: maybe(0.4, 1, 5),
    requestTimeoutSeconds: maybe(0.3, 1, 15),
    retryLimit: mode === 'saga' ? maybe(0.25, 1, 3) : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
