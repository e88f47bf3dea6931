import { Saga, runTcc, type OutgoingBranchCall, type Transport } from 'nestjs-dtm/client';
import { isFinal, type DtmConnection, type Outcome } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, sqliteStore, type Store } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { BankTransport } from '../../support/bank-transport.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { interceptStore, type StoreOperation } from '../../support/intercepted-store.js';
import { tempFolder } from '../../support/temp-folder.js';
import { VirtualClock } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

/** Where the coordinator dies: before or after its n-th write is durable, before or after its n-th call is done. */
interface CrashPoint {
  readonly at: 'write' | 'call';
  readonly when: 'before' | 'after';
  readonly number: number;
}

/** A poll is a write, too: fewer polls mean fewer equivalent crash points. */
const PACE = { pollIntervalSeconds: 15 };

const WRITES: ReadonlySet<StoreOperation> = new Set(['create', 'addBranches', 'update', 'claim']);

/** Isolates the coordinator at one point: from then on no write and no call gets through. */
class Killer {
  isDead = false;
  readonly #point: CrashPoint;
  #count = 0;

  constructor(point: CrashPoint) {
    this.#point = point;
  }

  async around<T>(at: CrashPoint['at'], action: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new Error('dead');
    const isHere = at === this.#point.at && ++this.#count === this.#point.number;
    if (!isHere) return action();
    this.isDead = true;
    if (this.#point.when === 'after') await action();
    throw new Error('dead');
  }
}

interface World {
  readonly server: DtmConnection;
  readonly bank: BankTransport;
}

interface Scenario {
  readonly title: string;
  readonly refusals?: readonly string[];
  /** Acts as the initiator; resolves when the coordinator has acknowledged. */
  readonly initiate: (world: World) => Promise<unknown>;
  /** Acts as the initiator that the coordinator calls to continue; returns whether it is done. */
  readonly goOn?: (world: World) => Promise<boolean>;
  /** The final status of an acknowledged transaction. */
  readonly acknowledged: 'succeed' | 'failed';
}

const branchUrls = (number: number) => ({ action: `http://b/a${number}`, compensate: `http://b/c${number}` });
const tccUrls = (number: number) => ({
  try: `http://b/t${number}`,
  confirm: `http://b/f${number}`,
  cancel: `http://b/u${number}`,
});

const saga =
  (concurrent: boolean) =>
  ({ server }: World) =>
    new Saga({ api: server }, { gid: 'g', concurrent })
      .add(branchUrls(1), 1)
      .add(branchUrls(2), 2)
      .add(branchUrls(3), 3)
      .submit();

const tcc =
  (end: () => void) =>
  ({ server, bank }: World) =>
    runTcc(
      { api: server, transport: bank },
      async (transaction) => {
        await transaction.call(tccUrls(1), 1);
        await transaction.call(tccUrls(2), 2);
        end();
      },
      { gid: 'g', onAbortFailed: () => undefined },
    );

/** After the commit of the local transaction the message must be delivered. */
const msg =
  (concurrent: boolean) =>
  async ({ server, bank }: World): Promise<void> => {
    const request = {
      gid: 'g',
      transType: 'msg',
      steps: [1, 2, 3].map((number) => ({ action: `http://b/a${number}` })),
      payloads: ['1', '2', '3'],
      queryPrepared: 'http://b/q',
      concurrent,
    } as const;
    await server.prepare(request);
    bank.isCommitted = true;
    await server.submit(request).catch(() => undefined);
  };

const xa =
  (end: 'submit' | 'abort' | undefined) =>
  async ({ server, bank }: World): Promise<void> => {
    const request = { gid: 'g', transType: 'xa' } as const;
    await server.prepare(request);
    for (const branchId of ['01', '02']) {
      await server.registerBranch({ ...request, branchId, url: `http://b/x${branchId}` });
      await bank.call({ url: '', context: { ...request, branchId, op: 'try' }, payload: '', timeoutSeconds: 1 });
    }
    if (end) await server[end](request);
  };

const WORKFLOW = {
  gid: 'g',
  transType: 'workflow',
  queryPrepared: 'http://b/w',
  customData: '{"name":"w","data":""}',
} as const;

/** An initiator that dies after each step of its workflow and is called to continue. */
const workflowStep = async ({ server, bank }: World): Promise<boolean> => {
  const { transaction, branches } = (await server.query('g'))!;
  if (isFinal(transaction.status)) return true;
  const call = async (branchId: string, op: 'action' | 'rollback'): Promise<boolean> => {
    const branch = { gid: 'g', transType: 'workflow', branchId } as const;
    // undoes the step, as a compensation does
    const context = { ...branch, op: op === 'rollback' ? 'compensate' : op };
    const { kind } = await bank.call({ url: '', context, payload: '', timeoutSeconds: 1 });
    await server.registerBranch({ ...branch, op, status: kind === 'success' ? 'succeed' : 'failed', payload: '' });
    return false;
  };
  const recorded = (branchId: string, op: string): string | undefined =>
    branches.find((branch) => branch.branchId === branchId && branch.op === op)?.status;
  for (const branchId of ['01', '02']) if (!recorded(branchId, 'action')) return call(branchId, 'action');
  const status = recorded('02', 'action') as 'succeed' | 'failed';
  if (status === 'failed' && !recorded('01', 'rollback')) return call('01', 'rollback');
  await server.submit({ ...WORKFLOW, reqExtra: { status } });
  return true;
};

const SCENARIOS: Scenario[] = [
  {
    title: 'a workflow that succeeds step by step',
    initiate: ({ server }) => server.prepare(WORKFLOW),
    goOn: workflowStep,
    acknowledged: 'succeed',
  },
  {
    title: 'a workflow that is rolled back step by step',
    refusals: ['02 action'],
    initiate: ({ server }) => server.prepare(WORKFLOW),
    goOn: workflowStep,
    acknowledged: 'failed',
  },
  { title: 'a message', initiate: msg(false), acknowledged: 'succeed' },
  { title: 'a concurrent message', initiate: msg(true), acknowledged: 'succeed' },
  { title: 'an XA transaction that is committed', initiate: xa('submit'), acknowledged: 'succeed' },
  { title: 'an XA transaction that is rolled back', initiate: xa('abort'), acknowledged: 'failed' },
  { title: 'an XA transaction whose initiator dies', initiate: xa(undefined), acknowledged: 'failed' },
  { title: 'a saga that succeeds', initiate: saga(false), acknowledged: 'succeed' },
  { title: 'a saga that is rolled back', refusals: ['03 action'], initiate: saga(false), acknowledged: 'failed' },
  { title: 'a concurrent saga that succeeds', initiate: saga(true), acknowledged: 'succeed' },
  {
    title: 'a concurrent saga that is rolled back',
    refusals: ['02 action'],
    initiate: saga(true),
    acknowledged: 'failed',
  },
  { title: 'a TCC that is confirmed', initiate: tcc(() => undefined), acknowledged: 'succeed' },
  {
    title: 'a TCC that is cancelled',
    initiate: async (world) => {
      const failing = tcc(() => {
        throw new Error('no stock');
      });
      await failing(world).catch((error: Error) => {
        if (error.message !== 'no stock') throw error;
      });
    },
    // the abort may have been lost with the coordinator; then the TCC times out
    acknowledged: 'failed',
  },
  {
    title: 'a TCC whose initiator dies',
    initiate: async ({ server, bank }) => {
      await server.prepare({ gid: 'g', transType: 'tcc' });
      for (const number of [1, 2]) {
        const { confirm, cancel } = tccUrls(number);
        await server.registerBranch({
          gid: 'g',
          transType: 'tcc',
          branchId: `0${number}`,
          confirm,
          cancel,
          payload: '',
        });
        await bank.call({
          url: '',
          context: { gid: 'g', transType: 'tcc', branchId: `0${number}`, op: 'try' },
          payload: '',
          timeoutSeconds: 1,
        });
      }
    },
    acknowledged: 'failed',
  },
];

/** Calls participants, and the initiator of a workflow. */
async function callIn(scenario: Scenario, world: World, call: OutgoingBranchCall): Promise<Outcome> {
  if (!scenario.goOn || call.context.branchId !== '00') return world.bank.call(call);
  return (await scenario.goOn(world)) ? { kind: 'success', body: '' } : { kind: 'ongoing', message: 'died again' };
}

/** Runs a scenario up to a crash point, then a new coordinator; false when the point was not reached. */
async function crashAt(scenario: Scenario, point: CrashPoint, makeStore: () => Store): Promise<boolean> {
  const clock = new VirtualClock();
  const logger = new RecordingLogger();
  const bank = new BankTransport(...(scenario.refusals ?? []));
  const killer = new Killer(point);
  const store = makeStore();
  const dying = interceptStore(store, (operation, call) =>
    WRITES.has(operation) ? killer.around('write', call) : call(),
  );
  const transportTo = (server: () => DtmConnection): Transport => ({
    call: (call) => callIn(scenario, { server: server(), bank }, call),
    close: () => Promise.resolve(),
  });
  const intact = transportTo(() => first);
  const network: Transport = { ...intact, call: (call) => killer.around('call', () => intact.call(call)) };
  const first: DtmConnection = embeddedServer({ ...PACE, store: dying, clock, logger, transport: network });
  await first.open();
  first.recover();
  let isAcknowledged = true;
  await scenario.initiate({ server: first, bank }).catch(() => {
    isAcknowledged = false;
  });
  await clock.advance(60_000);
  await first.close();
  if (!killer.isDead) return false;

  const transport = transportTo(() => second);
  const second: DtmConnection = embeddedServer({ ...PACE, store: makeStore(), clock, logger, transport });
  await second.open();
  second.recover();
  await clock.advance(120_000);
  const details = await second.query('g');
  await second.close();

  const where = `${scenario.title}, dead ${point.when} ${point.at} ${point.number}`;
  const branches = bank.branchesOf('g');
  if (!details) {
    expect(isAcknowledged, `${where}: an acknowledged transaction is lost`).toBe(false);
    expect(branches, `${where}: something was done for a transaction that nobody knows`).toEqual({});
    return true;
  }
  const { status } = details.transaction;
  expect(isFinal(status), `${where}: ends as ${status}`).toBe(true);
  if (isAcknowledged) expect(status, where).toBe(scenario.acknowledged);
  for (const [branchId, branch] of Object.entries(branches)) {
    const expected = status === 'succeed' ? ['done'] : ['undone', 'nothing'];
    expect(expected, `${where}: branch ${branchId} of a transaction that ${status}`).toContain(branch);
  }
  const ids = new Set(details.branches.map(({ branchId }) => branchId));
  if (status === 'succeed') expect(Object.keys(branches), where).toHaveLength(ids.size);
  return true;
}

describe.each<[string, () => () => Store]>([
  [
    'memory',
    () => {
      const store = memoryStore();
      return () => store;
    },
  ],
  [
    'SQLite',
    () => {
      const path = join(tempFolder(), 'dtm.db');
      return () => sqliteStore({ path });
    },
  ],
])('a coordinator that dies at any point, on %s', (_, world) => {
  for (const scenario of SCENARIOS) {
    for (const at of ['write', 'call'] as const) {
      for (const when of ['before', 'after'] as const) {
        it(`${when} a ${at} of ${scenario.title}: an acknowledged transaction ends, all or nothing`, async () => {
          let points = 0;
          while (await crashAt(scenario, { at, when, number: points + 1 }, world())) points++;
          expect(points).toBeGreaterThanOrEqual(2);
        });
      }
    }
  }
});

describe('a store that fails once', () => {
  it.each(SCENARIOS)('at any write of $title only delays the transaction', async (scenario) => {
    for (let number = 1; ; number++) {
      const clock = new VirtualClock();
      const bank = new BankTransport(...(scenario.refusals ?? []));
      let writes = 0;
      const store = interceptStore(memoryStore(), (operation, call) =>
        WRITES.has(operation) && ++writes === number ? Promise.reject(new Error('disk on fire')) : call(),
      );
      const transport: Transport = {
        call: (call) => callIn(scenario, { server, bank }, call),
        close: () => Promise.resolve(),
      };
      const server: DtmConnection = embeddedServer({ ...PACE, store, clock, logger: new RecordingLogger(), transport });
      await server.open();
      server.recover();
      let isAcknowledged = true;
      await scenario.initiate({ server, bank }).catch(() => {
        isAcknowledged = false;
      });
      await clock.advance(120_000);
      const status = (await server.query('g'))?.transaction.status;
      await server.close();
      if (isAcknowledged) expect(status, `write ${number}`).toBe(scenario.acknowledged);
      else expect(status === undefined || isFinal(status), `write ${number}: ${status}`).toBe(true);
      const ends = new Set(Object.values(bank.branchesOf('g')));
      if (status)
        expect(
          [...ends].every((end) => (status === 'succeed' ? end === 'done' : end !== 'done' && end !== 'reserved')),
        ).toBe(true);
      if (writes < number) break;
    }
  });
});
