import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  BranchPayload,
  DtmBranchError,
  DtmOngoingError,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchHeadersCall,
} from 'nestjs-dtm';
import { dtmHttpClient } from 'nestjs-dtm/client';
import { DtmConnectionError, type DtmConnection } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type Store } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { memoryAdapter } from '../../../unit/barrier/memory-adapter.js';
import { closeApps, startApp } from '../app.js';
import { headerOf, startOver, tokenGuard, ways, type Way } from './start-over.js';

const calls: string[] = [];

class NoticingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    expect([headerOf(context, 'host'), headerOf(context, 'content-length')]).not.toContain('elsewhere');
    expect(headerOf(context, 'content-length')).not.toBe('999');
    calls.push(
      `${context.getHandler().name} ${String(headerOf(context, 'authorization'))} ${String(headerOf(context, 'x-own'))}`,
    );
    return true;
  }
}

@UseGuards(NoticingGuard)
@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoPay' })
  pay(@BranchPayload() _amount: number): void {}
  undoPay(): void {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  hold(@BranchPayload() _amount: number): void {}
  confirm(): void {}
  cancel(): void {}

  @MsgBranch()
  take(@BranchPayload() _amount: number): void {}
}

const AUTHORIZATION = 'Bearer secret-1';

const pay = (dtm: DtmService, over: Way[1], gid?: string) =>
  dtm.saga(gid === undefined ? {} : { gid }).add(branchOf(BankController, 'pay', { over }), 5);

beforeEach(() => void calls.splice(0));

describe.each(ways)('branchHeaders on %s over %s', (platform, over) => {
  const start = (dtm: Parameters<typeof startOver>[1]['dtm'] = {}) =>
    startOver([platform, over], {
      controllers: [BankController],
      dtm: { branchHeaders: { Authorization: AUTHORIZATION }, ...dtm },
    });
  const protocol = over === 'grpc' ? 'grpc' : 'http';

  test('reach the guards of actions, tries, second phases and messages', async () => {
    const { dtm } = await start();
    await pay(dtm, over).submit({ waitResult: true });
    await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'hold', { over }), 5), { waitResult: true, protocol });
    await dtm
      .msg()
      .add(branchOf(BankController, 'take', { over }), 5)
      .submit({ waitResult: true });
    expect(calls).toEqual(['pay', 'hold', 'confirm', 'take'].map((name) => `${name} ${AUTHORIZATION} undefined`));
  });

  test('of a transaction take precedence, whatever the case of their names', async () => {
    const { dtm } = await start();
    await dtm
      .saga({ branchHeaders: { AUTHORIZATION: 'own', 'X-Own': 'x' } })
      .add(branchOf(BankController, 'pay', { over }), 5)
      .submit({ waitResult: true });
    expect(calls).toEqual(['pay own x']);
  });

  test('of the connection are left out', async () => {
    const { dtm } = await start({
      branchHeaders: () => ({ 'content-length': '999', host: 'elsewhere', 'x-own': 'x' }),
    });
    await pay(dtm, over).submit({ waitResult: true });
    expect(calls).toEqual(['pay undefined x']);
  });

  test('reach the query-back', async () => {
    const clock = new VirtualClock();
    const { adapter } = memoryAdapter();
    const seen: unknown[] = [];
    const guard: CanActivate = {
      canActivate: (context) => {
        seen.push([context.getHandler().name, headerOf(context, 'authorization')]);
        return true;
      },
    };
    const { dtm } = await startOver([platform, over], {
      controllers: [BankController],
      configure: (app) => void app.useGlobalGuards(guard),
      dtm: {
        server: embeddedServer({ store: memoryStore(), clock }),
        branchHeaders: { authorization: AUTHORIZATION },
        databases: { default: { barrier: adapter } },
      },
    });
    const message = dtm.msg({ gid: 'm1' }).add(branchOf(BankController, 'take', { over }), 5);
    await adapter.transaction((tx) => message.join(adapter, tx));
    await clock.advance(36_000);
    await expect.poll(async () => (await dtm.query('m1'))?.transaction.status).toBe('succeed');
    expect(seen).toEqual([
      ['ask', AUTHORIZATION],
      ['take', AUTHORIZATION],
    ]);
  });

  test('of a function are those of the moment of each call', async () => {
    let token = 'first';
    const story = new AsyncLocalStorage<string>();
    const asked: BranchHeadersCall[] = [];
    const { dtm } = await startOver([platform, over], {
      controllers: [BankController],
      configure: (app) => void app.useGlobalGuards(tokenGuard(() => 'second')),
      dtm: {
        branchHeaders: (call) => {
          asked.push(call);
          return Promise.resolve({ authorization: token, 'x-own': String(story.getStore()), 'x-none': undefined });
        },
      },
    });
    await story.run('of the initiator', () => pay(dtm, over, 'g1').submit());
    await expect.poll(async () => (await dtm.query('g1'))?.branches[1]?.attempts).toBe(1);
    expect(calls).toEqual([]);
    token = 'second';
    await dtm.retryNow('g1');
    await expect.poll(async () => (await dtm.query('g1'))?.transaction.status).toBe('succeed');
    expect(calls).toEqual(['pay second undefined']);
    expect(asked[0]).toMatchObject({ gid: 'g1', transType: 'saga', branchId: '01', op: 'action' });
    expect(asked[0]!.url).toMatch(over === 'grpc' ? /Bank\/Pay$/ : /bank\/pay$/);
  });

  test('of a function that fails lead to another attempt, and only the log has the error', async () => {
    let fail = true;
    const { dtm, logs } = await start({
      branchHeaders: () => {
        if (fail) throw new Error('no token from https://user:hunter2@login');
        return { authorization: AUTHORIZATION };
      },
    });
    await pay(dtm, over, 'g1').submit();
    const lastError = async () => (await dtm.query('g1'))?.branches[1]?.lastError ?? '';
    await expect.poll(lastError).toMatch(/branchHeaders failed for saga g1, branch 01, action: internal error/);
    expect(await lastError()).not.toContain('hunter2');
    expect(logs.of('DtmModule').join()).toContain('hunter2');
    await expect(
      dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'hold', { over }), 5), { protocol }),
    ).rejects.toThrow(DtmBranchError);
    fail = false;
    await dtm.retryNow('g1');
    await expect.poll(async () => (await dtm.query('g1'))?.transaction.status).toBe('succeed');
  });

  test('that cannot be sent are refused at each call', async () => {
    const { dtm } = await start({ branchHeaders: () => ({ authorization: 'a\nb-hunter2' }) });
    await pay(dtm, over, 'g1').submit();
    const lastError = async () => (await dtm.query('g1'))?.branches[1]?.lastError ?? '';
    await expect.poll(lastError).toMatch(/branchHeaders: branch header "authorization" has a name or value/);
    expect(await lastError()).not.toContain('hunter2');
  });

  test('are not stored, and those of a transaction are redacted where it is shown', async () => {
    const store: Store = memoryStore();
    const { dtm, logs } = await start({ server: embeddedServer({ store, listen: { port: 0 } }) });
    await pay(dtm, over, 'g1').submit({ waitResult: true });
    await dtm
      .saga({ gid: 'g2', branchHeaders: { 'x-own': 'hunter2' } })
      .add(branchOf(BankController, 'pay', { over }), 5)
      .submit({ waitResult: true });
    expect((await store.find('g1'))?.transaction.options.branchHeaders).toBeUndefined();
    expect((await store.find('g2'))?.transaction.options.branchHeaders).toEqual({ 'x-own': 'hunter2' });
    const redacted = { 'x-own': '[redacted]' };
    expect((await dtm.query('g2'))?.transaction.options.branchHeaders).toEqual(redacted);
    const { transactions } = await dtm.all({ gid: 'g2' });
    expect(transactions.map(({ options }) => options.branchHeaders)).toEqual([redacted]);
    const { address } = dtm.api;
    for (const path of ['query?gid=g2', 'all']) {
      const text = await (await fetch(`${address}/${path}`)).text();
      expect(text).toContain('[redacted]');
      expect(text).not.toMatch(/hunter2|secret-1/);
    }
    expect(logs.lines.join()).not.toMatch(/hunter2|secret-1/);
  });
});

describe('branchHeaders with a coordinator in another process', () => {
  async function startRemote(): Promise<{ server: DtmConnection; store: Store; client: DtmConnection }> {
    const store = memoryStore();
    const server = embeddedServer({ store, listen: { port: 0 }, pollIntervalSeconds: 0.02 });
    await server.open();
    server.recover();
    onTestFinished(() => server.close());
    return { server, store, client: dtmHttpClient(server.address!) };
  }

  test('travel with each transaction, and are redacted where it is shown', async () => {
    const { store, client } = await startRemote();
    onTestFinished(closeApps);
    const { app } = await startApp({
      controllers: [BankController],
      dtm: { server: client, branchHeaders: { Authorization: AUTHORIZATION } },
    });
    const dtm = app.get(DtmService);
    await pay(dtm, 'http', 'g1').submit({ waitResult: true });
    await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'hold'), 5), { waitResult: true });
    await dtm.msg().add(branchOf(BankController, 'take'), 5).submit({ waitResult: true });
    expect(calls).toEqual(['pay', 'hold', 'confirm', 'take'].map((name) => `${name} ${AUTHORIZATION} undefined`));
    expect((await store.find('g1'))?.transaction.options.branchHeaders).toEqual({ authorization: AUTHORIZATION });
    const shown = await dtm.query('g1');
    expect(shown?.transaction.options.branchHeaders).toEqual({ authorization: '[redacted]' });
  });

  test('of a function belong to a whole transaction', async () => {
    const asked: BranchHeadersCall[] = [];
    onTestFinished(closeApps);
    const { app, server } = await startApp({
      controllers: [BankController],
      dtm: {
        branchHeaders: (call) => {
          asked.push(call);
          return { authorization: call.gid };
        },
      },
    });
    await pay(app.get(DtmService), 'http', 'g1').submit();
    expect(asked).toEqual([{ gid: 'g1', transType: 'saga' }]);
    expect(server.submitted[0]?.branchHeaders).toEqual({ authorization: 'g1' });
  });

  test('of a function that fails after the commit of a message leave the message to the query-back', async () => {
    let fail = false;
    const { adapter } = memoryAdapter();
    onTestFinished(closeApps);
    const { app, server } = await startApp({
      controllers: [BankController],
      dtm: {
        databases: { default: { barrier: adapter } },
        branchHeaders: () => {
          if (fail) throw new Error('no token');
          return { authorization: 'a' };
        },
      },
    });
    const dtm = app.get(DtmService);
    const send = (gid: string) =>
      dtm
        .msg({ gid })
        .add(branchOf(BankController, 'take'), 5)
        .doAndSubmit(adapter, async () => void (fail = true));
    await expect(send('m1')).rejects.toThrow(DtmOngoingError);
    expect(server.log).toContain('prepare m1');
    expect(server.log).not.toContain('submit m1');
    await expect(send('m2')).rejects.toThrow(DtmConnectionError);
    expect(server.log).not.toContain('prepare m2');
  });
});
