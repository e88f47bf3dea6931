import { Saga, dtmClient } from 'nestjs-dtm/client';
import { DtmOngoingError, type Outcome } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCoordinator, startCoordinator } from '../../support/coordinator.js';
import { HostsTransport, NO_ANSWER } from '../../support/hosts-transport.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { sagaRequest, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { gatedStore, interceptStore } from '../../support/intercepted-store.js';
import { START_TIME, VirtualClock, settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const HANGS: Outcome = { kind: 'unknown', message: 'no answer: time-out', unreachable: true, connected: true };

const SECOND = 1000;
const MINUTE = 60 * SECOND;

async function start(options: EmbeddedServerOptions = {}) {
  const clock = new VirtualClock();
  const transport = new HostsTransport(clock);
  const fixture = await startCoordinator({ ...options, clock, transport });
  const statuses = async (gids: readonly string[]): Promise<string[]> => {
    const found = await Promise.all(gids.map((gid) => fixture.find(gid)));
    return [...new Set(found.map(({ transaction }) => transaction.status))];
  };
  return { ...fixture, transport, statuses };
}

/** A saga with one step at each of some hosts. */
function sagaAt(gid: string, hosts: readonly string[], change: Parameters<typeof sagaRequest>[2] = {}) {
  const steps = hosts.map((host) => ({ action: `http://${host}/action`, compensate: `http://${host}/compensate` }));
  return sagaRequest(gid, hosts.length, { steps, ...change });
}

const gidsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Calls of a host as seconds since a time. */
const secondsOf = (calls: readonly { readonly time: number }[], since: number): number[] =>
  calls.map(({ time }) => (time - since) / SECOND);

describe('a target that does not answer', () => {
  it('opens its circuit breaker after five calls in a row', async () => {
    const { server, transport, logger } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 12)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    expect(transport.to('bank')).toHaveLength(5);
    const target = { target: 'http://bank' };
    expect(logger.lines.filter(({ fields }) => 'target' in fields)).toEqual([
      { level: 'warn', message: 'circuit breaker opened: the target does not answer', fields: target },
    ]);
  });

  it('opens its circuit breaker after as many calls as the settings say', async () => {
    const { server, transport } = await start({ breakerFailures: 1 });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 3)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    expect(transport.to('bank')).toHaveLength(1);
  });

  it('is named where a transaction waits for it, until it answers', async () => {
    const { server, clock, transport } = await start();
    const heldBack = async (gid: string): Promise<string[]> =>
      (await server.query(gid))!.branches
        .filter((branch) => branch.heldBack)
        .map(({ branchId, op }) => `${branchId} ${op}`);
    transport.stopHost('bank');
    const hosts = ['shop', 'bank'];
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, hosts));
    await settled();
    expect(await heldBack('g0')).toEqual(['02 compensate', '02 action']);
    const waiting = server.submit(sagaAt('w', hosts, { waitResult: true }));
    await expect(waiting).rejects.toThrow(
      new DtmOngoingError('transaction w is submitted; calls of branch 02 are held back until its target answers', {
        gid: 'w',
      }),
    );
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(await heldBack('g0')).toEqual([]);
  });

  it.each(['http', 'grpc'] as const)('is named in the error of an initiator over %s', async (over) => {
    const dtm = makeCoordinator({
      breakerFailures: 1,
      listen: { port: 0, grpcPort: 0 },
      transport: new HostsTransport(new VirtualClock()),
    });
    (dtm.transport as HostsTransport).stopHost('bank');
    await dtm.server.open();
    const { address, grpcAddress } = dtm.server as EmbeddedServer;
    const client = dtmClient(over === 'http' ? address! : grpcAddress!);
    onTestFinished(() => client.close());
    await client.open();
    await dtm.server.submit(sagaAt('first', ['bank']));
    const saga = new Saga({ api: client }, { gid: 'g', waitResult: true }).add({ action: 'http://bank/action' });
    await expect(saga.submit()).rejects.toMatchObject({
      branch: { branchId: '01', op: 'action', url: 'http://bank/action' },
      message: expect.stringMatching(
        /^transaction g is not finished \(action of branch 01\); calls of branch 01 are held back until its target answers; next/,
      ),
    });
  });

  it('keeps its circuit breaker closed with an answer in between', async () => {
    const { server, transport } = await start();
    for (const gid of gidsOf('g', 4).concat('answered').concat(gidsOf('h', 4))) {
      if (gid === 'answered') transport.startHost('bank');
      else transport.stopHost('bank');
      await server.submit(sagaAt(gid, ['bank']));
      await settled();
    }
    expect(transport.to('bank')).toHaveLength(9);
  });

  it.each([
    ['is unknown', UNKNOWN],
    ['is ongoing', ONGOING],
    ['is a failure', FAILURE],
    ['is a success', SUCCESS],
  ])('is another thing than one whose answer %s', async (_, outcome: Outcome) => {
    const { server, transport } = await start();
    transport.answer('01 action', outcome);
    for (const gid of gidsOf('g', 20)) await server.submit(sagaAt(gid, ['bank'], { concurrent: true }));
    await settled();
    expect(transport.timesOf('01 action')).toHaveLength(20);
  });

  it('does not affect calls of other targets', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.stopHost('bank');
    transport.answer('01 action', ...gidsOf('', 25).map(() => UNKNOWN), SUCCESS);
    for (const gid of gidsOf('g', 20)) await server.submit(sagaAt(gid, ['bank']));
    for (const gid of gidsOf('h', 20)) await server.submit(sagaAt(gid, ['shop']));
    await clock.advance(30 * SECOND);
    expect(await statuses(gidsOf('h', 20))).toEqual(['succeed']);
    expect(await statuses(gidsOf('g', 20))).toEqual(['submitted']);
  });

  it('is a separate target for each port of a host and each user', async () => {
    const { server, transport } = await start();
    const others = ['bank:8080', 'bank', 'bank:8', 'bank.example:80', 'user@bank:80'];
    transport.stopHost('bank:80');
    for (const gid of gidsOf('g', 10)) await server.submit(sagaAt(gid, ['bank:80']));
    for (const [index, host] of others.entries()) await server.submit(sagaAt(`h${index}`, [host]));
    await settled();
    expect(transport.to('bank:80')).toHaveLength(5);
    for (const host of others) expect(transport.to(host)).toHaveLength(1);
  });

  it('can be a gRPC target', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.stopHost('bank:50051');
    const steps = [{ action: 'bank:50051/bank.Bank/TransOut' }];
    const others = [{ action: 'bank:50052/bank.Bank/TransOut' }];
    for (const gid of gidsOf('g', 10)) await server.submit(sagaRequest(gid, 1, { steps, protocol: 'grpc' }));
    for (const gid of gidsOf('h', 10)) await server.submit(sagaRequest(gid, 1, { steps: others, protocol: 'grpc' }));
    await settled();
    expect(transport.to('bank:50051')).toHaveLength(5);
    expect(await statuses(gidsOf('h', 10))).toEqual(['succeed']);
    transport.startHost('bank:50051');
    await clock.advance(3 * SECOND);
    expect(await statuses(gidsOf('g', 10))).toEqual(['succeed']);
  });

  it('can be one service of a registry; other services are still called', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.answer('01 action', ({ url }) => (url.includes('/trans/') ? NO_ANSWER : SUCCESS));
    const request = (gid: string, service: string) =>
      sagaRequest(gid, 1, { steps: [{ action: `etcd://registry:2379/${service}/bank.Bank/Out` }], protocol: 'grpc' });
    for (const gid of gidsOf('g', 10)) await server.submit(request(gid, 'trans'));
    for (const gid of gidsOf('h', 10)) await server.submit(request(gid, 'transfer'));
    await settled();
    expect(transport.calls.filter(({ url }) => url.includes('/trans/'))).toHaveLength(5);
    expect(await statuses(gidsOf('h', 10))).toEqual(['succeed']);
    transport.answer('01 action', SUCCESS);
    await clock.advance(3 * SECOND);
    expect(await statuses(gidsOf('g', 10))).toEqual(['succeed']);
  });

  it.each([
    ['path', 'http://bank/slow', 'http://bank/fast', undefined],
    ['gRPC method', 'bank:50051/bank.Bank/Slow', 'bank:50051/bank.Bank/Fast', 'grpc'],
  ] as const)(
    'can be one %s that hangs; the others of its server are still called',
    async (_, slow, fast, protocol) => {
      const { server, clock, transport, statuses, logger } = await start();
      transport.answer('01 action', ({ url }) => (url === slow ? HANGS : SUCCESS));
      const submit = (gid: string, action: string) =>
        server.submit(sagaRequest(gid, 1, { steps: [{ action }], ...(protocol && { protocol }) }));
      for (const gid of gidsOf('g', 10)) await submit(gid, slow);
      for (const gid of gidsOf('h', 10)) await submit(gid, fast);
      await settled();
      expect(transport.calls.filter(({ url }) => url === slow)).toHaveLength(5);
      expect(await statuses(gidsOf('h', 10))).toEqual(['succeed']);
      expect(logger.lines.find(({ fields }) => 'target' in fields)?.fields).toEqual({ target: slow });
      transport.answer('01 action', SUCCESS);
      await clock.advance(3 * SECOND);
      expect(await statuses(gidsOf('g', 10))).toEqual(['succeed']);
    },
  );

  it('is the whole server when as many of its paths hang', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.answer('01 action', HANGS);
    for (const gid of gidsOf('g', 20)) {
      await server.submit(sagaRequest(gid, 1, { steps: [{ action: `http://bank/orders/${gid}/pay` }] }));
    }
    await settled();
    expect(transport.to('bank')).toHaveLength(5);
    transport.answer('01 action', SUCCESS);
    await clock.advance(3 * SECOND);
    expect(await statuses(gidsOf('g', 20))).toEqual(['succeed']);
  });

  it('is forgotten at the end of the process', async () => {
    const store = memoryStore();
    const first = await start({ store });
    first.transport.stopHost('bank');
    for (const gid of gidsOf('g', 12)) await first.server.submit(sagaAt(gid, ['bank']));
    await settled();
    await first.server.close();
    const second = await startCoordinator({ store, clock: first.clock });
    await first.clock.advance(70 * SECOND);
    expect(second.transport.calls).toHaveLength(12);
  });
});

describe('over sockets', () => {
  async function submitTo(url: string, count: number): Promise<RecordingLogger> {
    const logger = new RecordingLogger();
    const server = embeddedServer({ store: memoryStore(), logger, breakerProbeSeconds: 3600 });
    onTestFinished(() => server.close());
    await server.open();
    for (const gid of gidsOf('g', count)) {
      await server.submit(sagaRequest(gid, 1, { steps: [{ action: url }], waitResult: true })).catch(() => undefined);
    }
    return logger;
  }

  it.each([502, 503, 504])('a proxy that answers %i counts as no answer', async (status) => {
    const participant = (await Participant.start()).answer('/a', { status, body: 'nobody' });
    const logger = await submitTo(participant.url('/a'), 9);
    expect(participant.requests).toHaveLength(5);
    expect(logger.of('warn')).toContain('circuit breaker opened: the target does not answer');
  });

  it.each([200, 201, 404, 409, 425, 429, 500, 501, 505])('an answer of %i counts as an answer', async (status) => {
    const participant = (await Participant.start()).answer('/a', { status, body: 'x' });
    await submitTo(participant.url('/a'), 9);
    expect(participant.requests).toHaveLength(9);
  });

  it('a closed port opens the circuit breaker', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => void gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => void gone.close(resolve));
    const logger = await submitTo(`http://127.0.0.1:${port}/a`, 9);
    expect(logger.of('warn').filter((message) => message.startsWith('branch gave'))).toHaveLength(5);
    expect(logger.lines.find(({ fields }) => 'target' in fields)?.fields).toEqual({
      target: `http://127.0.0.1:${port}`,
    });
  });
});

describe('a transaction that waits for the target', () => {
  it('counts no attempt and keeps its interval', async () => {
    const { server, clock, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await server.submit(sagaAt('held', ['bank'], { retryLimit: 1 }));
    await clock.advance(10 * MINUTE);
    const { transaction, branches } = await find('held');
    expect(transaction).toMatchObject({ status: 'submitted', nextCronInterval: 10, owner: undefined });
    expect(transaction.retryCount).toBeUndefined();
    expect(branches[1]).toMatchObject({ status: 'prepared' });
    expect([branches[1]!.attempts, branches[1]!.lastError]).toEqual([undefined, undefined]);
  });

  it('is claimed at most once a minute, so that many of them leave time for others', async () => {
    let updates = 0;
    const store = interceptStore(memoryStore(), (operation, call) => {
      if (operation === 'update') updates++;
      return call();
    });
    const { server, clock, transport } = await start({ store });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 100)) await server.submit(sagaAt(gid, ['bank'], { retryIntervalSeconds: 1 }));
    await settled();
    updates = 0;
    await clock.advance(10 * MINUTE);
    const probes = (10 * MINUTE) / (2 * SECOND);
    expect(updates).toBeLessThanOrEqual(100 * 10 + probes);
  });

  it('is stored before the initiator is told that it is undecided', async () => {
    const { server, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    const submitted = server.submit(sagaAt('waits', ['bank'], { waitResult: true }));
    await expect(submitted).rejects.toThrow(DtmOngoingError);
    await expect(submitted).rejects.toThrow('transaction waits is submitted');
    expect((await find('waits')).transaction.status).toBe('submitted');
    expect(transport.to('bank')).toHaveLength(5);
  });

  it('is due at once when the target answers, with any number of others', async () => {
    const { server, clock, transport, statuses } = await start();
    const gids = gidsOf('g', 1300);
    transport.stopHost('bank');
    for (const gid of gids) await server.submit(sagaAt(gid, ['bank']));
    await clock.advance(30 * SECOND);
    transport.startHost('bank');
    const before = clock.now();
    const calls = transport.calls.length;
    await clock.advance(5 * SECOND);
    expect(await statuses(gids)).toEqual(['succeed']);
    expect(transport.calls).toHaveLength(calls + gids.length);
    expect(Math.max(...secondsOf(transport.calls, before))).toBeLessThanOrEqual(5);
  });

  it('is due at once, too, when its call failed before the circuit breaker opened', async () => {
    const { server, clock, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank'], { retryIntervalSeconds: 300 }));
    await clock.advance(SECOND);
    transport.startHost('bank');
    await clock.advance(2 * SECOND);
    for (const gid of gidsOf('g', 5)) expect((await find(gid)).transaction.status).toBe('succeed');
  });

  it('is due at once even when it is being stored at that moment', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const { server, clock, transport, find } = await start({ store });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    const save = hold('update');
    await server.submit(sagaAt('late', ['bank']));
    await save.arrived;
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect((await find('g0')).transaction.status).toBe('succeed');
    save.release();
    await settled();
    expect((await find('late')).transaction.status).toBe('succeed');
  });

  it('is made due by the next answer when the store failed before', async () => {
    let isBroken = false;
    const store = interceptStore(memoryStore(), (operation, call) =>
      isBroken && operation === 'wake' ? Promise.reject(new Error('disk full')) : call(),
    );
    const { server, clock, transport, logger, statuses } = await start({ store });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 20)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    isBroken = true;
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(logger.lines.filter(({ level }) => level === 'error')[0]).toMatchObject({
      message: 'transactions could not be made due',
      fields: { error: 'Error: disk full' },
    });
    isBroken = false;
    await server.submit(sagaAt('next', ['bank']));
    await clock.advance(SECOND);
    expect(await statuses(gidsOf('g', 20))).toEqual(['succeed']);
  });

  it('is still rolled back at its time-out', async () => {
    const { server, clock, transport, find } = await start();
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    transport.stopHost('bank');
    for (const gid of gidsOf('h', 5)) await server.submit(sagaAt(gid, ['bank']));
    await server.submit(sagaAt('g', ['shop', 'bank'], { timeoutToFailSeconds: 25 }));
    await clock.advance(24 * SECOND);
    expect((await find('g')).transaction.status).toBe('submitted');
    await clock.advance(2 * SECOND);
    // the compensation waits for the same target
    expect((await find('g')).transaction).toMatchObject({
      status: 'aborting',
      rollbackReason: 'Timeout after 25 seconds',
    });
    expect(transport.keys).not.toContain('01 compensate');
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect((await find('g')).transaction.status).toBe('failed');
    expect(transport.keys.slice(-2)).toEqual(expect.arrayContaining(['02 compensate', '01 compensate']));
  });

  it('can be a concurrent saga; its other branches are called once', async () => {
    const { server, clock, transport, show } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    await server.submit(sagaAt('mixed', ['shop', 'bank', 'post'], { customData: '{"concurrent":true}' }));
    await settled();
    expect([transport.to('shop').length, transport.to('post').length]).toEqual([1, 1]);
    expect(await show('mixed')).toMatch(/^submitted:.*01 action succeed.*02 action prepared.*03 action succeed/);
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(await show('mixed')).toMatch(/^succeed/);
    expect([transport.to('shop').length, transport.to('post').length]).toEqual([1, 1]);
  });

  it('can be a concurrent saga of which another branch keeps its own pause', async () => {
    const { server, clock, transport } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaAt('mixed', ['shop', 'bank'], { customData: '{"concurrent":true}' }));
    await clock.advance(25 * SECOND);
    const [first, second, ...more] = secondsOf(transport.to('shop'), START_TIME);
    expect([first, more]).toEqual([0, []]);
    expect(second).toBeGreaterThanOrEqual(10);
    expect(second).toBeLessThanOrEqual(12);
  });

  it('can wait with a compensation', async () => {
    const { server, clock, transport, show } = await start();
    await server.submit(sagaAt('early', ['bank']));
    transport.answer('02 action', async () => {
      transport.stopHost('bank');
      for (const gid of gidsOf('g', 6)) await server.submit(sagaAt(gid, ['bank']));
      await settled();
      return FAILURE;
    });
    await server.submit(sagaAt('back', ['bank', 'shop'], { waitResult: true })).catch(() => undefined);
    expect(await show('back')).toBe(
      'aborting: 01 compensate prepared, 01 action succeed, 02 compensate succeed, 02 action failed',
    );
    expect(transport.keys).not.toContain('01 compensate');
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(await show('back')).toMatch(/^failed: 01 compensate succeed/);
  });

  it.each(['submit', 'abort'] as const)('can wait with the second phase of a TCC: %s', async (operation) => {
    const { server, clock, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    await server.prepare(tccRequest('tcc'));
    const urls = { confirm: 'http://bank/confirm', cancel: 'http://bank/cancel' };
    await server.registerBranch({ gid: 'tcc', transType: 'tcc', branchId: '01', payload: '{}', ...urls });
    await server[operation](tccRequest('tcc'));
    await settled();
    expect(transport.to('bank')).toHaveLength(5);
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect((await find('tcc')).transaction.status).toBe(operation === 'submit' ? 'succeed' : 'failed');
  });

  it('can wait with the query of the initiator of a message', async () => {
    const { server, clock, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await server.prepare({
      gid: 'msg',
      transType: 'msg',
      queryPrepared: 'http://bank/query',
      steps: [{ action: 'http://shop/take' }],
      payloads: ['{}'],
      timeoutToFailSeconds: 20,
    });
    await clock.advance(MINUTE);
    expect((await find('msg')).transaction).toMatchObject({ status: 'prepared', nextCronInterval: 10 });
    const asked = transport.timesOf('00 msg').length;
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(transport.timesOf('00 msg')).toHaveLength(asked + 1);
    expect((await find('msg')).transaction.status).toBe('succeed');
  });

  it('can be a workflow that fell silent', async () => {
    const clock = new VirtualClock();
    const transport = new HostsTransport(clock);
    const dtm = await startHttpCoordinator({ clock, transport });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await dtm.server.submit(sagaAt(gid, ['bank']));
    await dtm.post('prepareWorkflow', {
      gid: 'workflow',
      trans_type: 'workflow',
      query_prepared: 'http://bank/go-on',
      custom_data: '{"name":"transfer","data":""}',
    });
    await clock.advance(MINUTE);
    expect((await dtm.find('workflow')).transaction.nextCronInterval).toBe(10);
    const asked = transport.timesOf('00 transfer').length;
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(transport.timesOf('00 transfer')).toHaveLength(asked + 1);
  });
});

describe('a probe of the target', () => {
  it('is made with one transaction every two seconds, and counts no attempt', async () => {
    const { server, clock, transport, logger, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 20)) await server.submit(sagaAt(gid, ['bank'], { retryLimit: 2 }));
    await settled();
    const before = transport.to('bank').length;
    const lines = logger.lines.length;
    await clock.advance(10 * SECOND);
    expect(secondsOf(transport.to('bank').slice(before), START_TIME)).toEqual([2, 4, 6, 8, 10]);
    expect(logger.lines).toHaveLength(lines);
    await clock.advance(20 * MINUTE);
    for (const gid of gidsOf('g', 20)) {
      const { transaction, branches } = await find(gid);
      expect(transaction.status).toBe('submitted');
      expect(transaction.retryCount ?? 0).toBeLessThanOrEqual(1);
      expect(branches[1]!.attempts ?? 0).toBeLessThanOrEqual(1);
    }
  });

  it('is made with the only transaction, long before its deferral ends', async () => {
    const { server, clock, transport, find } = await start({ breakerProbeSeconds: 0.5 });
    transport.stopHost('bank');
    await server.submit(sagaAt('g', ['bank'], { retryLimit: 7 }));
    await clock.advance(200 * SECOND);
    expect((await find('g')).branches[1]).toMatchObject({ attempts: 5, lastError: 'no answer: refused' });
    await clock.advance(MINUTE);
    transport.startHost('bank');
    await clock.advance(600);
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('is not made with a transaction that waits for another call', async () => {
    const { server, clock, transport } = await start();
    transport.answer('01 action', ({ url }) => (url.includes('shop') ? ONGOING : SUCCESS));
    // an ongoing branch that waits for days
    await server.submit(sagaAt('patient', ['shop', 'bank'], { retryIntervalSeconds: 30 }));
    await settled();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 10)) await server.submit(sagaAt(gid, ['bank']));
    await clock.advance(2 * MINUTE);
    expect(transport.to('shop').length).toBeLessThanOrEqual(5);
    const probes = transport.to('bank').length - 5;
    expect(probes).toBeGreaterThanOrEqual(59);
  });

  it('is made with another transaction when the first one was stopped by force', async () => {
    const clock = new VirtualClock();
    const transport = new HostsTransport(clock);
    const { server, show } = await startHttpCoordinator({ clock, transport });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 9)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    for (const gid of gidsOf('g', 8)) await server.forceStop(gid);
    transport.startHost('bank');
    await clock.advance(2 * SECOND);
    expect(await show('g8')).toMatch(/^succeed/);
  });

  it('is made with a new transaction when none waits', async () => {
    const { server, clock, transport, find } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 6)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    for (const gid of gidsOf('g', 6)) await server.forceStop(gid);
    await clock.advance(MINUTE);
    expect(transport.to('bank')).toHaveLength(5);
    transport.startHost('bank');
    await server.submit(sagaAt('new', ['bank'], { waitResult: true }));
    expect((await find('new')).transaction.status).toBe('succeed');
    await server.submit(sagaAt('newer', ['bank'], { waitResult: true }));
  });

  it('is made with another transaction while the first probe takes very long', async () => {
    const { server, clock, transport } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await server.submit(sagaAt('slow', ['bank'], { requestTimeoutSeconds: 600 }));
    await settled();
    const held = transport.hold('01 action');
    transport.startHost('bank');
    await clock.advance(2 * SECOND);
    expect((await held.arrived).context.gid).toBe('slow');
    await clock.advance(6 * SECOND);
    expect(secondsOf(transport.to('bank').slice(6, 7), START_TIME)).toEqual([7]);
    held.answer(SUCCESS);
    await settled();
  });

  it('is not affected by answers to earlier calls', async () => {
    const { server, clock, transport } = await start();
    const held = transport.hold('01 action');
    await server.submit(sagaAt('before', ['bank']));
    await held.arrived;
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 5)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    held.answer(SUCCESS);
    await settled();
    await server.submit(sagaAt('after', ['bank']));
    await settled();
    expect(transport.to('bank')).toHaveLength(6);
    await clock.advance(2 * SECOND);
    expect(transport.to('bank')).toHaveLength(7);
  });

  it('is made for several targets independently', async () => {
    const { server, clock, transport, statuses } = await start();
    const hosts = gidsOf('host', 30);
    transport.stopHost(...hosts);
    for (const host of hosts) for (const gid of gidsOf(host, 10)) await server.submit(sagaAt(gid, [host]));
    await settled();
    for (const host of hosts) expect(transport.to(host)).toHaveLength(5);
    await clock.advance(4 * SECOND);
    for (const host of hosts) expect(transport.to(host)).toHaveLength(7);
    transport.startHost('host3');
    await clock.advance(2 * SECOND);
    expect(await statuses(gidsOf('host3', 10))).toEqual(['succeed']);
    expect(await statuses(gidsOf('host4', 10))).toEqual(['submitted']);
  });

  it('closes the circuit breaker, which opens again when the target falls silent again', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 6)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(await statuses(gidsOf('g', 6))).toEqual(['succeed']);
    const before = transport.to('bank').length;
    transport.stopHost('bank');
    for (const gid of gidsOf('h', 20)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    expect(transport.to('bank')).toHaveLength(before + 5);
    transport.startHost('bank');
    await clock.advance(3 * SECOND);
    expect(await statuses(gidsOf('h', 20))).toEqual(['succeed']);
  });

  it('prefers new calls, which soon find a service behind a proxy that still answers', async () => {
    const { server, clock, transport, statuses } = await start();
    transport.answer('01 action', ({ context }) => (context.gid.startsWith('gone') ? NO_ANSWER : SUCCESS));
    for (const gid of gidsOf('gone', 200)) await server.submit(sagaAt(gid, ['proxy']));
    await clock.advance(MINUTE);
    await server.submit(sagaAt('there', ['proxy']));
    await clock.advance(2 * SECOND);
    expect(await statuses(['there'])).toEqual(['succeed']);
  });
});

describe('an operator who repaired the target', () => {
  async function stuck() {
    const clock = new VirtualClock();
    const transport = new HostsTransport(clock);
    const dtm = await startHttpCoordinator({ clock, transport, breakerProbeSeconds: 3600 });
    transport.stopHost('bank:3000');
    for (const gid of gidsOf('g', 250)) await dtm.server.submit(sagaAt(gid, ['bank:3000']));
    await settled();
    return { ...dtm, transport };
  }

  it.each(['http://bank:3000', 'http://bank:3000/', 'http://bank:3000/action'])(
    'retries it at once: %s',
    async (target) => {
      const { transport, clock, server, answer } = await stuck();
      transport.startHost('bank:3000');
      expect(await answer('retryTarget', { target, limit: 1000 })).toBe(
        '200 {"has_remaining":false,"succeed_count":250}',
      );
      await clock.advance(3 * SECOND);
      expect((await server.all({ status: 'succeed', limit: 1000 })).transactions).toHaveLength(250);
    },
  );

  it('need not wake all transactions: the first answer wakes the rest', async () => {
    const { transport, clock, server, answer } = await stuck();
    transport.startHost('bank:3000');
    expect(await answer('retryTarget', { target: 'http://bank:3000', limit: 1 })).toBe(
      '200 {"has_remaining":true,"succeed_count":1}',
    );
    await clock.advance(3 * SECOND);
    expect((await server.all({ status: 'succeed', limit: 1000 })).transactions).toHaveLength(250);
  });

  it('does not affect other targets', async () => {
    const { transport, clock, answer } = await stuck();
    const calls = transport.calls.length;
    for (const target of ['http://bank:300', 'http://bank', 'http://bank:30000', 'bank:3000']) {
      expect(await answer('retryTarget', { target })).toBe('200 {"has_remaining":false,"succeed_count":0}');
    }
    await clock.advance(2 * MINUTE);
    expect(transport.calls).toHaveLength(calls);
  });

  it('in vain opens the circuit breaker again after five calls', async () => {
    const { transport, clock, answer } = await stuck();
    const calls = transport.calls.length;
    await answer('retryTarget', { target: 'http://bank:3000', limit: 1000 });
    await clock.advance(SECOND);
    expect(transport.calls.length - calls).toBeGreaterThanOrEqual(5);
    expect(transport.calls.length - calls).toBeLessThanOrEqual(5 + 16);
  });
});

describe('when the coordinator stops', () => {
  it('no probe is made', async () => {
    const { server, clock, transport, logger } = await start();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 9)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    await server.close();
    expect(clock.pending).toBe(0);
    await clock.advance(10 * MINUTE);
    expect(transport.calls).toHaveLength(5);
    expect(logger.of('error')).toEqual([]);
  });

  it('during a probe that is answered, every transaction is due at the next start', async () => {
    const store = memoryStore();
    const { server, clock, transport, logger } = await start({ store });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 9)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    transport.startHost('bank');
    const held = transport.hold('01 action');
    await clock.advance(2 * SECOND);
    await held.arrived;
    const closed = server.close();
    held.answer(SUCCESS);
    await closed;
    expect([clock.pending, logger.of('error')]).toEqual([0, []]);
    const second = await startCoordinator({ store, clock });
    await clock.advance(70 * SECOND);
    for (const gid of gidsOf('g', 9)) expect((await second.find(gid)).transaction.status).toBe('succeed');
  });

  it('while transactions are woken, waking ends', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const { server, clock, transport, logger } = await start({ store });
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 9)) await server.submit(sagaAt(gid, ['bank']));
    await settled();
    transport.startHost('bank');
    await clock.advance(1999);
    hold('wake').release();
    await clock.advance(0);
    const wake = hold('wake');
    await clock.advance(1);
    await wake.arrived;
    const closed = server.close();
    await settled();
    wake.release();
    await closed;
    expect([clock.pending, logger.of('error')]).toEqual([0, []]);
  });

  it('before recover() a submit can probe the target', async () => {
    const clock = new VirtualClock();
    const transport = new HostsTransport(clock);
    const { server } = makeCoordinator({ clock, transport });
    await server.open();
    transport.stopHost('bank');
    for (const gid of gidsOf('g', 9)) await server.submit(sagaAt(gid, ['bank']));
    await clock.advance(2 * SECOND);
    transport.startHost('bank');
    await server.submit(sagaAt('new', ['bank'], { waitResult: true }));
    expect(transport.calls).toHaveLength(6);
  });
});
