import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { isFinal, type Outcome, type TransactionRecord } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import type { CoordinatorEnvironment } from '../../lib/server/environment/coordinator-environment.js';
import { randomScenario } from './scenarios/random-scenario.js';
import type { Invariant } from './simulation.js';
import { wireCoordinator } from './environment/wiring.js';
import { SimulatedSystem } from './simulated-system.js';

/** The invariants must detect each bug within this many seeds. */
const MAX_SEEDS = 3000;

/** An injected bug: the environment makes the coordinator behave as if it had this bug. */
interface InjectedBug {
  readonly title: string;
  readonly environment: (given: CoordinatorEnvironment) => Partial<CoordinatorEnvironment>;
  /** The invariants that may detect the bug. */
  readonly invariants: readonly Invariant[];
}

/** Replaces operations of the store. */
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

/** Changes records before the store writes them. */
function storing(
  given: CoordinatorEnvironment,
  change: (record: TransactionRecord) => TransactionRecord,
): Partial<CoordinatorEnvironment> {
  return storeWith(given, (store) => ({
    update: (expected, transaction, branches) => store.update(expected, change(transaction), branches),
  }));
}

/** Wraps the calls of the transport. */
function calling(
  { transport }: CoordinatorEnvironment,
  around: (call: OutgoingBranchCall, send: () => Promise<Outcome>) => Promise<Outcome>,
): Partial<CoordinatorEnvironment> {
  return { transport: { ...transport, call: (call) => around(call, () => transport.call(call)) } };
}

const isResting = ({ owner, status }: TransactionRecord): boolean => !owner && !isFinal(status);

const INJECTED_BUGS: readonly InjectedBug[] = [
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
    title: 'ignores rejected writes',
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
    title: 'writes without checking the lease',
    environment: (given) =>
      storeWith(given, (store) => ({
        update: ({ status }, ...rest) => store.update({ status }, ...rest),
      })),
    invariants: ['I9', 'order', 'lease'],
  },
  {
    title: 'takes leases that expire at once',
    environment: (given) =>
      storeWith(given, (store) => ({
        claim: (now, owner, _lease, limit) => store.claim(now, owner, () => now, limit),
      })),
    invariants: ['lease', 'order', 'I9', 'I5'],
  },
  {
    title: 'claims transactions before they are due',
    environment: (given) =>
      storeWith(given, (store) => ({ claim: (now, ...rest) => store.claim(now + 86_400_000, ...rest) })),
    invariants: ['lease', 'order', 'I9', 'I5'],
  },
  {
    title: 'never claims due transactions',
    environment: (given) => storeWith(given, () => ({ claim: async () => [] })),
    invariants: ['I5'],
  },
  {
    title: 'retries without an interval',
    environment: (given) => storing(given, (record) => (isResting(record) ? { ...record, nextCronTime: 0 } : record)),
    invariants: ['I9', 'order'],
  },
  {
    title: 'retries after a year',
    environment: (given) =>
      storing(given, (record) =>
        isResting(record) ? { ...record, nextCronTime: record.nextCronTime + 31_536_000_000 } : record,
      ),
    invariants: ['I5'],
  },
  {
    title: 'has a stopped clock',
    environment: ({ clock }) => {
      const now = clock.now();
      return { clock: { ...clock, now: () => now } };
    },
    invariants: ['I5', 'I9'],
  },
  {
    title: 'counts an ongoing branch as succeeded',
    environment: (given) =>
      calling(given, async (_, send) => {
        const outcome = await send();
        return outcome.kind === 'ongoing' ? { kind: 'success', body: '' } : outcome;
      }),
    invariants: ['I1', 'I2', 'I7', 'I9'],
  },
  {
    title: 'counts an unknown outcome as failed',
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
    title: 'calls branches with the payload of another branch',
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
    title: 'deletes transactions that have just finished',
    environment: (given) =>
      storeWith(given, (store) => ({ prune: (_before, ...rest) => store.prune(Infinity, ...rest) })),
    invariants: ['I9', 'durability'],
  },
  {
    title: 'wakes nothing when a target answers again',
    environment: (given) =>
      storeWith(given, (store) => ({
        wake: async (now, filter) =>
          filter.target === undefined ? store.wake(now, filter) : { count: 0, nextPosition: '' },
      })),
    invariants: ['wake'],
  },
  {
    title: 'never deletes final transactions',
    environment: (given) => storeWith(given, () => ({ prune: async () => ({ count: 0, nextPosition: '' }) })),
    invariants: ['I10'],
  },
];

describe('the invariants detect a coordinator', () => {
  it.each(INJECTED_BUGS)('that $title', async ({ environment, invariants }) => {
    const wire: typeof wireCoordinator = (given) => wireCoordinator({ ...given, ...environment(given) });
    for (let seed = 0; seed < MAX_SEEDS; seed++) {
      const { violation } = await new SimulatedSystem(randomScenario(seed), { wire }).run();
      if (!violation) continue;
      expect(invariants, violation.message).toContain(violation.invariant);
      return;
    }
    throw new Error(`no invariant was violated in ${MAX_SEEDS} runs`);
  });
});
