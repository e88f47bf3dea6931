import { Msg, Saga, dtmClient, runTcc, runXa, type BranchLocator, type InitiatorDependencies } from 'nestjs-dtm/client';
import type { DtmConnection } from 'nestjs-dtm/protocol';
import { sqliteStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCoordinator, type CoordinatorFixture } from '../../support/coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { FAILURE, UNKNOWN } from '../../support/scripted-transport.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

const SLOW = { action: 'http://slow/a', compensate: 'http://slow/c' };
const TCC = { try: 'http://slow/try', confirm: 'http://slow/confirm', cancel: 'http://slow/cancel' };

/** A branch that declares 30 seconds for its calls. */
const ref = {};
const locator: BranchLocator = {
  getSagaUrls: () => SLOW,
  getTccUrls: () => TCC,
  getMsgUrl: () => SLOW.action,
  getXaUrl: () => SLOW.action,
  getRequestTimeoutSeconds: () => 30,
};

const APIS: Readonly<Record<string, (server: EmbeddedServer) => DtmConnection>> = {
  'in the process': (server) => server,
  'over HTTP': ({ address }) => dtmClient(address!),
  'over JSON-RPC': ({ address }) => dtmClient(`${new URL(address!).origin}/api/json-rpc`),
  'over gRPC': ({ grpcAddress }) => dtmClient(grpcAddress!),
};

describe.each(Object.entries(APIS))('the time-out that a branch declares, %s', (_, connect) => {
  async function start(): Promise<CoordinatorFixture & { dependencies: InitiatorDependencies; seconds(): string[] }> {
    const fixture = await startCoordinator({ listen: { port: 0, grpcPort: 0 } });
    const api = connect(fixture.server as EmbeddedServer);
    if (api !== fixture.server) {
      await api.open();
      onTestFinished(() => api.close());
    }
    const seconds = (): string[] =>
      fixture.transport.calls.map(({ url, timeoutSeconds }) => `${url.replace('http://', '')} ${timeoutSeconds}`);
    return { ...fixture, dependencies: { api, transport: fixture.transport, locator }, seconds };
  }

  it('is that of its calls in a saga, and the others keep theirs', async () => {
    const { dependencies, transport, seconds } = await start();
    transport.answer('02 action', FAILURE);
    const saga = new Saga(dependencies, { gid: 'g', waitResult: true })
      .add(ref, 1)
      .add({ action: 'http://quick/a', compensate: 'http://quick/c' }, 1);
    await expect(saga.submit()).rejects.toThrow('refused');
    expect(seconds()).toEqual(['slow/a 30', 'quick/a 3', 'quick/c 3', 'slow/c 30']);
  });

  it('stands beside the time-out of the transaction', async () => {
    const { dependencies, seconds } = await start();
    const options = { gid: 'g', waitResult: true, requestTimeoutSeconds: 7 };
    await new Saga(dependencies, options).add(ref, 1).add({ action: 'http://quick/a' }, 1).submit();
    expect(seconds()).toEqual(['slow/a 30', 'quick/a 7']);
  });

  it('gives way to the one that the transaction has for its URL', async () => {
    const { dependencies, seconds } = await start();
    const options = { gid: 'g', waitResult: true, branchTimeoutSeconds: { [SLOW.action]: 60, 'http://quick/a': 5 } };
    await new Saga(dependencies, options).add(ref, 1).add({ action: 'http://quick/a' }, 1).submit();
    expect(seconds()).toEqual(['slow/a 60', 'quick/a 5']);
  });

  it('is that of a message', async () => {
    const { dependencies, seconds } = await start();
    await new Msg(dependencies, { gid: 'g', waitResult: true }).add(ref, 1).add('http://quick/a', 1).submit();
    expect(seconds()).toEqual(['slow/a 30', 'quick/a 3']);
  });

  it.each([
    ['confirmed', 'confirm'],
    ['cancelled', 'cancel'],
  ])('is that of all calls of a TCC that is %s', async (end, op) => {
    const { dependencies, seconds, show } = await start();
    const work = runTcc(
      dependencies,
      async (tcc) => {
        await tcc.call(ref, 1);
        if (end === 'cancelled') throw new Error('no');
      },
      { gid: 'g', requestTimeoutSeconds: 7 },
    );
    await work.catch(() => undefined);
    await expect.poll(() => show('g')).toMatch(/^(succeed|failed): /);
    expect(seconds()).toEqual(['slow/try 30', `slow/${op} 30`]);
  });
});

describe('the time-out that an XA branch declares', () => {
  it('is that of its first phase, and the second has that of the transaction', async () => {
    const { server: api, transport, show } = await startCoordinator();
    await runXa(
      { api, transport, locator },
      async (xa) => {
        await xa.call(ref, 1);
        await api.registerBranch({ gid: xa.gid, transType: 'xa', branchId: '01', url: SLOW.action });
      },
      { gid: 'g', requestTimeoutSeconds: 7 },
    );
    await settled();
    expect(await show('g')).toMatch(/^succeed: /);
    expect(transport.calls.map(({ key, timeoutSeconds }) => `${key} ${timeoutSeconds}`)).toEqual([
      '01 action 30',
      '01 commit 7',
    ]);
  });
});

describe('the time-out of a branch', () => {
  const options = { requestTimeoutSeconds: 7, branchTimeoutSeconds: { [SLOW.action]: 30 } };

  it('is kept by the store, and makes the lease long enough', async () => {
    const file = join(tempFolder(), 'dtm.db');
    const { server, transport, clock, find } = await startCoordinator({ store: sqliteStore({ path: file }) });
    transport.answer('01 action', UNKNOWN);
    const held = transport.hold('02 action');
    const steps = [{ action: 'http://quick/a' }, SLOW];
    const begun = clock.now();
    await server.submit(
      sagaRequest('g', 2, { steps, concurrent: true, customData: '{"concurrent":true}', ...options }),
    );
    await held.arrived;
    const { transaction } = await find('g');
    expect(transaction.options).toMatchObject(options);
    expect(transaction.nextCronTime - begun).toBe(40_000);
    held.answer(UNKNOWN);
    await settled();
    await clock.advance(15_000);
    expect(transport.calls.map(({ key, timeoutSeconds }) => `${key} ${timeoutSeconds}`)).toEqual([
      '01 action 7',
      '02 action 30',
      '01 action 7',
      '02 action 30',
    ]);
  });

  it('has the limit of request_timeout', async () => {
    const { server } = await startCoordinator({ maxRequestTimeoutSeconds: 20 });
    await expect(server.submit(sagaRequest('g', 1, options))).rejects.toThrow(
      /one of branch_timeouts is 30 s.*maxRequestTimeoutSeconds/,
    );
  });

  it('must be a whole number', () => {
    const api = {} as DtmConnection;
    expect(() => new Saga({ api }, { branchTimeoutSeconds: { 'http://b/a': 0.5 } })).toThrow(
      /branchTimeoutSeconds of "http:\/\/b\/a" must be a whole number/,
    );
  });
});
