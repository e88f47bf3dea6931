import { PGlite } from '@electric-sql/pglite';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Barrier,
  BranchBarrier,
  BranchPayload,
  DtmFailureError,
  DtmModule,
  DtmOngoingError,
  DtmService,
  SagaBranch,
  branchOf,
} from 'nestjs-dtm';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { RecordingLogger } from '../../support/recording-logger.js';

/*
 * The recipe of docs/recipes.md#call-an-external-api for a charge that can be undone.
 */

type Order = { amount: number };

const database = new PGlite();
const barrierOfBank = pgBarrier(database);

/** A payment provider that executes each key once. */
const provider = {
  charges: new Map<string, number>(),
  refunds: new Map<string, string>(),
  /** Runs before the provider executes a charge. */
  beforeCharge: async (): Promise<void> => undefined,
  /** Runs before the provider answers. */
  beforeAnswer: (): void => undefined,

  async charge(amount: number, key: string): Promise<void> {
    await this.beforeCharge();
    this.charges.set(key, amount);
    this.beforeAnswer();
  },
};

const CHARGE_MS = 10_000;

@Controller('payments')
class PaymentsController {
  @SagaBranch({ compensate: 'refund' })
  async charge(@BranchPayload() order: Order, @Barrier() barrier: BranchBarrier): Promise<void> {
    const key = keyOf(barrier);
    await barrier.call(barrierOfBank, (tx) => tx.query("insert into charge values ($1, 'open')", [key]));
    const started = "update charge set started_at = now() where key = $1 and state = 'open' returning key";
    if ((await database.query(started, [key])).rows.length === 0) return;
    await provider.charge(order.amount, key);
  }

  async refund(@BranchPayload() _order: Order, @Barrier() barrier: BranchBarrier): Promise<void> {
    const key = keyOf(barrier);
    await barrier.call(barrierOfBank, async () => undefined);
    const closed = "update charge set state = 'closed' where key = $1 returning started_at";
    const [stopped] = (await database.query<{ started_at: Date }>(closed, [key])).rows;
    if (!stopped) return;
    if (provider.charges.has(key)) return void provider.refunds.set(`${key}-refund`, key);
    if (Date.now() - stopped.started_at.getTime() < 2 * CHARGE_MS)
      throw new DtmOngoingError('the charge may still arrive');
  }

  @SagaBranch({ compensate: false })
  ship(@BranchPayload() _order: Order): void {
    throw new DtmFailureError('sold out');
  }
}

function keyOf({ context: { gid, branchId } }: BranchBarrier): string {
  return `${gid}-${branchId}`;
}

const branch = new PaymentsController();
const ORDER: Order = { amount: 30 };

/** Calls the branch as a coordinator does, without one. */
function call(op: 'action' | 'compensate', gid: string): Promise<void> {
  const barrier = new BranchBarrier({ gid, transType: 'saga', branchId: '01', op });
  return op === 'action' ? branch.charge(ORDER, barrier) : branch.refund(ORDER, barrier);
}

beforeAll(async () => {
  await barrierOfBank.createTable();
  await database.query(
    'create table charge (key text primary key, state text not null, started_at timestamptz default now())',
  );
});
afterAll(() => database.close());

beforeEach(() => {
  provider.charges.clear();
  provider.refunds.clear();
  provider.beforeCharge = async () => undefined;
  provider.beforeAnswer = () => undefined;
});

describe('a charge at an external provider', () => {
  async function start(): Promise<DtmService> {
    const server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger() });
    @Module({ imports: [DtmModule.forRoot({ server })], controllers: [PaymentsController] })
    class ShopModule {}
    const app = await NestFactory.createApplicationContext(ShopModule, { logger: false });
    onTestFinished(() => app.close());
    return app.get(DtmService);
  }

  test('is made once though its answer is lost', async () => {
    const dtm = await start();
    let answers = 0;
    provider.beforeAnswer = () => {
      if ((answers += 1) === 1) throw new Error('socket hang up');
    };
    const saga = dtm.saga({ retryIntervalSeconds: 1 }).add(branchOf(PaymentsController, 'charge'), ORDER);
    const gid = await saga.submit({ waitResult: true });
    expect(answers).toBe(2);
    expect([...provider.charges]).toEqual([[`${gid}-01`, 30]]);
  });

  test('is refunded when a later step fails', async () => {
    const dtm = await start();
    const saga = dtm
      .saga({ gid: 'sold-out' })
      .add(branchOf(PaymentsController, 'charge'), ORDER)
      .add(branchOf(PaymentsController, 'ship'), ORDER);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow('sold out');
    expect([...provider.refunds]).toEqual([['sold-out-01-refund', 'sold-out-01']]);
  });

  test('is refunded when the process died before the action answered', async () => {
    provider.beforeAnswer = () => {
      throw new Error('killed');
    };
    await expect(call('action', 'died')).rejects.toThrow('killed');
    await call('compensate', 'died');
    await call('compensate', 'died');
    expect([...provider.refunds.values()]).toEqual(['died-01']);
  });

  test('is not made by an action that arrives after its compensation', async () => {
    await call('compensate', 'late');
    await call('action', 'late');
    expect(provider.charges.size).toBe(0);
  });

  test('is refunded when it reaches the provider after the compensation began', async () => {
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const isStarted = new Promise<void>((resolve) => {
      provider.beforeCharge = () => (resolve(), arrived);
    });
    const action = call('action', 'slow');
    await isStarted;
    await expect(call('compensate', 'slow')).rejects.toThrow(DtmOngoingError);
    arrive();
    await action;
    await call('compensate', 'slow');
    expect([...provider.refunds.values()]).toEqual(['slow-01']);

    // another attempt of the action
    provider.charges.clear();
    await call('action', 'slow');
    expect(provider.charges.size).toBe(0);
  });
});
