import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { isFinal, type Outcome, type TransactionRecord } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import type { CoordinatorEnvironment } from '../../lib/server/environment/coordinator-environment.js';
import { randomScenario } from './scenarios/random-scenario.js';
import type { Invariant } from './simulation.js';
import { wireCoordinator } from './environment/wiring.js';
import { World } from './world.js';

/** Seeds after which a broken coordinator must have been found out. */
const MOST_SEEDS = 3000;

/** A coordinator whose environment lie to it, so that it does what a bug of its own would make it do. */
interface Sabotage {
  readonly title: string;
  readonly environment: (given: CoordinatorEnvironment) => Partial<CoordinatorEnvironment>;
  /** What it may be found out by. */
  readonly invariants: readonly Invariant[];
}

/** A store with some of its operations replaced. */
function storeWith(
  { store }: CoordinatorEnvironment,
  changes: (store: Store) => Partial<Store>,
): Partial<CoordinatorEnvironment> {
  const changed = changes(store);
  return {
    store: new Proxy(store, {
      get: (inner, name) => changed[name as keyof Store] ?? inner[name as keyof Store],
    }),
  };
}

/** A store that changes records on their way. */
function storing(
  given: CoordinatorEnvironment,
  change: (record: TransactionRecord) => TransactionRecord,
): Partial<CoordinatorEnvironment> {
  return storeWith(given, (store) => ({
    update: (expected, transaction, branches) => store.update(expected, change(transaction), branches),
  }));
}

/** A transport with something around its calls. */
function calling(
  { transport }: CoordinatorEnvironment,
  around: (call: OutgoingBranchCall, send: () => Promise<Outcome>) => Promise<Outcome>,
): Partial<CoordinatorEnvironment> {
  return { transport: { ...transport, call: (call) => around(call, () => transport.call(call)) } };
}

const isResting = ({ owner, status }: TransactionRecord): boolean => !owner && !isFinal(status);

const SABOTAGES: readonly Sabotage[] = [
  {
    title: 'answers before its writes are durable',
    environment: (given) =>
      storeWith(given, (store) => ({
        create: async (details) => {
          void store.create(details).catch(() => undefined);
          return true;
        },
      })),
    invariants: ['durability', 'I9'],
  },
  {
    title: 'does not notice that its writes are refused',
    environment: (given) =>
      storeWith(given, (store) => ({
        update: async (...args) => {
          await store.update(...args);
          return true;
        },
      })),
    invariants: ['durability', 'order', 'I9', 'I6'],
  },
  {
    title: 'does not look at who holds the lease when it writes',
    environment: (given) =>
      storeWith(given, (store) => ({
        update: ({ status }, ...rest) => store.update({ status }, ...rest),
      })),
    invariants: ['I9', 'order', 'lease'],
  },
  {
    title: 'takes leases that end at once',
    environment: (given) =>
      storeWith(given, (store) => ({
        claim: (now, owner, _lease, limit) => store.claim(now, owner, () => now, limit),
      })),
    invariants: ['lease', 'order', 'I9', 'I5'],
  },
  {
    title: 'takes transactions that are not due',
    environment: (given) =>
      storeWith(given, (store) => ({ claim: (now, ...rest) => store.claim(now + 86_400_000, ...rest) })),
    invariants: ['lease', 'order', 'I9', 'I5'],
  },
  {
    title: 'never looks for what is due',
    environment: (given) => storeWith(given, () => ({ claim: async () => [] })),
    invariants: ['I5'],
  },
  {
    title: 'tries again at once',
    environment: (given) => storing(given, (record) => (isResting(record) ? { ...record, nextCronTime: 0 } : record)),
    invariants: ['I9', 'order'],
  },
  {
    title: 'tries again after a year',
    environment: (given) =>
      storing(given, (record) =>
        isResting(record) ? { ...record, nextCronTime: record.nextCronTime + 31_536_000_000 } : record,
      ),
    invariants: ['I5'],
  },
  {
    title: 'has a clock that stands still',
    environment: ({ clock }) => {
      const now = clock.now();
      return { clock: { ...clock, now: () => now } };
    },
    invariants: ['I5', 'I9'],
  },
  {
    title: 'takes a branch that asks to wait for done',
    environment: (given) =>
      calling(given, async (_, send) => {
        const outcome = await send();
        return outcome.kind === 'ongoing' ? { kind: 'success', body: '' } : outcome;
      }),
    invariants: ['I1', 'I2', 'I7', 'I9'],
  },
  {
    title: 'takes a branch that does not answer for failed',
    environment: (given) =>
      calling(given, async (_, send) => {
        const outcome = await send();
        return outcome.kind === 'unknown' ? { kind: 'failure', message: outcome.message } : outcome;
      }),
    invariants: ['I2', 'I7', 'I9'],
  },
  {
    title: 'calls every branch twice',
    environment: (given) =>
      calling(given, async (_, send) => {
        const [outcome] = await Promise.all([send(), send()]);
        return outcome;
      }),
    invariants: ['order'],
  },
  {
    title: 'calls branches with the payload of others',
    environment: ({ transport }) => {
      let last: OutgoingBranchCall['payload'] = '';
      return {
        transport: {
          ...transport,
          call: (call) => {
            const payload = last || call.payload;
            last = call.payload;
            return transport.call({ ...call, payload });
          },
        },
      };
    },
    invariants: ['order'],
  },
  {
    title: 'deletes what has just been finished',
    environment: (given) =>
      storeWith(given, (store) => ({ prune: (_before, ...rest) => store.prune(Infinity, ...rest) })),
    invariants: ['I9', 'durability'],
  },
  {
    title: 'never deletes anything',
    environment: (given) => storeWith(given, () => ({ prune: async () => ({ count: 0, nextPosition: '' }) })),
    invariants: ['I10'],
  },
];

describe('a coordinator is found out', () => {
  it.each(SABOTAGES)('that $title', async ({ environment, invariants }) => {
    const wire: typeof wireCoordinator = (given, ...rest) =>
      wireCoordinator({ ...given, ...environment(given) }, ...rest);
    for (let seed = 0; seed < MOST_SEEDS; seed++) {
      const { violation } = await new World(randomScenario(seed), { wire }).run();
      if (!violation) continue;
      expect(invariants, violation.message).toContain(violation.invariant);
      return;
    }
    throw new Error(`nothing was noticed in ${MOST_SEEDS} runs`);
  });
});
