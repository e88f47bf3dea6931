import type { Outcome } from 'nestjs-dtm/protocol';
import { memoryStore, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { deferred } from '../../support/deferred.js';
import { HostsTransport, NO_ANSWER } from '../../support/hosts-transport.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { SUCCESS, UNKNOWN, type TransportCall } from '../../support/scripted-transport.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { START_TIME, VirtualClock, settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Branches that give no decision in the first attempt and are slow in later attempts. */
async function start(options: EmbeddedServerOptions = {}) {
  const clock = new VirtualClock();
  const transport = new HostsTransport(clock);
  const slow = new Map<string, { readonly ms: number; readonly outcome: Outcome }>();
  const first = new Set<string>();
  let isReady = false;
  /** Maximum of concurrent calls for each host. */
  const most = new Map<string, number>();
  const running = new Map<string, number>();
  transport.answer('01 action', async (call: TransportCall) => {
    const host = new URL(call.url).host;
    if (!isReady || !first.has(call.context.gid)) {
      first.add(call.context.gid);
      return UNKNOWN;
    }
    const { ms, outcome } = slow.get(host) ?? { ms: 0, outcome: SUCCESS };
    running.set(host, (running.get(host) ?? 0) + 1);
    most.set(host, Math.max(most.get(host) ?? 0, running.get(host)!));
    if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve));
    running.set(host, running.get(host)! - 1);
    return outcome;
  });
  const fixture = await startCoordinator({ ...options, clock, transport });
  return {
    ...fixture,
    transport,
    most,
    /** Sets the duration of calls of a host. */
    slow: (host: string, ms: number, outcome: Outcome = SUCCESS) => void slow.set(host, { ms, outcome }),
    /** Submits sagas whose first attempt gives no decision. */
    async submit(gids: readonly string[], host: string, retryIntervalSeconds = 10): Promise<void> {
      isReady = true;
      for (const gid of gids) await fixture.server.submit(sagaAt(gid, host, { retryIntervalSeconds }));
      await settled();
    },
    /** Seconds since the start at which transactions were retried. */
    retries: (host: string): number[] =>
      transport
        .to(host)
        .filter(({ time }) => time > START_TIME)
        .map(({ time }) => (time - START_TIME) / SECOND),
  };
}

function sagaAt(gid: string, host: string, change: Parameters<typeof sagaRequest>[2] = {}) {
  const steps = [{ action: `http://${host}/action`, compensate: `http://${host}/compensate` }];
  return sagaRequest(gid, 1, { steps, ...change });
}

/** A gid without a digit. */
const lettersOf = (gid: string): string => gid.replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!);

const gidsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('recovery', () => {
  it('makes at most sixteen calls to each target at a time', async () => {
    const { clock, submit, slow, most } = await start();
    slow('bank', 100);
    slow('shop', 100);
    await submit(gidsOf('g', 60), 'bank');
    await submit(gidsOf('h', 60), 'shop');
    await clock.advance(30 * SECOND);
    expect([most.get('bank'), most.get('shop')]).toEqual([16, 16]);
  });

  it('makes at most as many calls as the settings say', async () => {
    const { clock, submit, slow, most, server } = await start({ maxParallelRecoveryPerTarget: 2 });
    slow('bank', 100);
    await submit(gidsOf('g', 20), 'bank');
    await clock.advance(30 * SECOND);
    expect(most.get('bank')).toBe(2);
    expect((await server.all({ status: 'succeed' })).transactions).toHaveLength(20);
  });

  it('calls the longest due transactions first', async () => {
    const { clock, submit, slow, transport } = await start({
      maxParallelRecovery: 1,
      maxParallelRecoveryPerTarget: 1,
      pollIntervalSeconds: 30,
    });
    slow('bank', 10);
    await submit(['late'], 'bank', 20);
    await submit(['early'], 'bank', 5);
    await submit(['middle'], 'bank', 12);
    await clock.advance(MINUTE);
    expect(transport.calls.slice(3).map(({ context }) => context.gid)).toEqual(['early', 'middle', 'late']);
  });

  it('keeps a slow target busy with its backlog, and calls other targets on time', async () => {
    const { clock, submit, slow, retries, server } = await start();
    slow('slow', 2000);
    await submit(gidsOf('g', 2000), 'slow');
    await submit(gidsOf('h', 10), 'fast');
    await clock.advance(MINUTE);
    const fast = retries('fast');
    expect(fast).toHaveLength(10);
    expect(Math.max(...fast)).toBeLessThanOrEqual(13);
    // sixteen at a time, two seconds each, from the tenth second on
    expect(retries('slow').length).toBeGreaterThanOrEqual(0.9 * 16 * 25);
    expect(retries('slow').length).toBeLessThanOrEqual(16 * 26);
    await clock.advance(5 * MINUTE);
    expect((await server.all({ status: 'succeed', limit: 3000 })).transactions).toHaveLength(2010);
    // nothing was called twice
    expect(retries('slow')).toHaveLength(2000);
  });

  it('calls other targets on time while the calls of one target hang until their time-out', async () => {
    const { clock, submit, slow, retries } = await start();
    slow('hangs', 3000, NO_ANSWER);
    await submit(gidsOf('g', 1000), 'hangs');
    await submit(gidsOf('h', 10), 'fast');
    await clock.advance(2 * MINUTE);
    expect(retries('fast')).toHaveLength(10);
    expect(Math.max(...retries('fast'))).toBeLessThanOrEqual(13);
  });

  it.each([
    ['one path', () => 'hangs'],
    ['very many paths with ids', (gid: string) => `hangs/${gid}/pay`],
    ['very many paths with ids that have no digit', (gid: string) => `hangs/${lettersOf(gid)}/pay`],
  ])('calls the other paths of a target on time while the calls of %s hang for long', async (_, pathOf) => {
    const { clock, server, transport } = await start();
    const gate = deferred();
    let isReady = false;
    transport.answer('01 action', async ({ url }) => {
      if (!isReady) return UNKNOWN;
      if (url.includes('/hangs')) await gate.promise;
      return SUCCESS;
    });
    const submit = (gid: string, path: string) => {
      const steps = [{ action: `http://bank/${path}` }];
      return server.submit(sagaRequest(gid, 1, { steps, requestTimeoutSeconds: 600 }));
    };
    for (const gid of gidsOf('g', 100)) await submit(gid, pathOf(gid));
    for (const gid of gidsOf('h', 10)) await submit(gid, 'fast');
    await settled();
    isReady = true;
    await clock.advance(20 * SECOND);
    const succeeded = (await server.all({ status: 'succeed' })).transactions.map(({ gid }) => gid);
    gate.resolve();
    expect(succeeded.toSorted()).toEqual(gidsOf('h', 10));
  });

  it.each([
    ['ten servers hang for long', 10, 600, 30],
    ['sixty servers hang until their time-outs, again and again', 60, 3, 60],
  ])('calls the other servers within a bounded time while %s', async (_, count, requestTimeoutSeconds, seconds) => {
    const { clock, server, transport, submit } = await start({ breakerFailures: 1_000_000 });
    const hanging = deferred();
    let isReady = false;
    transport.answer('01 action', async ({ url }) => {
      if (!isReady) return UNKNOWN;
      if (!url.includes('hangs')) return SUCCESS;
      const over = new Promise<void>((resolve) => void clock.after(requestTimeoutSeconds * SECOND, resolve));
      await Promise.race([over, hanging.promise]);
      return NO_ANSWER;
    });
    for (let host = 0; host < count; host++) {
      for (const gid of gidsOf(`g${host}-`, 30)) {
        const steps = [{ action: `http://hangs${host}/pay` }];
        await server.submit(sagaRequest(gid, 1, { steps, requestTimeoutSeconds, retryIntervalSeconds: 10 }));
      }
    }
    await submit(gidsOf('h', 10), 'fast');
    await settled();
    isReady = true;
    await clock.advance(seconds * SECOND);
    const succeeded = (await server.all({ status: 'succeed' })).transactions.map(({ gid }) => gid);
    hanging.resolve();
    expect(succeeded.toSorted()).toEqual(gidsOf('h', 10));
  });

  it('works on no more transactions than allowed although one of them waits with many calls', async () => {
    const { clock, server, transport } = await start({ maxParallelRecovery: 4, maxParallelRecoveryPerTarget: 1 });
    const running = new Set<string>();
    let most = 0;
    let isFirst = true;
    for (const branch of gidsOf('', 30)) {
      transport.answer(`${String(Number(branch) + 1).padStart(2, '0')} action`, async ({ context }) => {
        if (isFirst) return UNKNOWN;
        running.add(context.gid);
        most = Math.max(most, running.size);
        await new Promise<void>((resolve) => void clock.after(500, resolve));
        running.delete(context.gid);
        return SUCCESS;
      });
    }
    const steps = Array.from({ length: 30 }, () => ({ action: 'http://bank/a' }));
    const payloads = steps.map(() => '');
    await server.submit({ gid: 'many', transType: 'saga', steps, payloads, customData: '{"concurrent":true}' });
    for (const gid of gidsOf('g', 20)) await server.submit(sagaAt(gid, `host-${gid}`));
    await settled();
    isFirst = false;
    await clock.advance(MINUTE);
    expect((await server.all({ status: 'succeed' })).transactions).toHaveLength(21);
    expect(most).toBe(4);
  });

  it('also limits the calls of a concurrent saga', async () => {
    const { clock, server, transport, most, slow } = await start();
    slow('bank', 10);
    const steps = Array.from({ length: 40 }, () => ({ action: 'http://bank/a' }));
    const answer = async (): Promise<Outcome> => {
      most.set('bank', Math.max(most.get('bank') ?? 0, ++running));
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      running--;
      return SUCCESS;
    };
    let running = 0;
    for (let branch = 1; branch <= 40; branch++) {
      transport.answer(`${String(branch).padStart(2, '0')} action`, UNKNOWN, answer);
    }
    const payloads = steps.map(() => '');
    await server.submit({ gid: 'g', transType: 'saga', steps, payloads, customData: '{"concurrent":true}' });
    await clock.advance(20 * SECOND);
    expect(most.get('bank')).toBe(16);
    expect((await server.query('g'))?.transaction.status).toBe('succeed');
    expect(transport.calls).toHaveLength(80);
  });
});

describe('a pass that waits for a slot', () => {
  it('calls nothing when another coordinator has taken over its transaction', async () => {
    const store = memoryStore();
    let isLost = false;
    const lost = interceptStore(store, (operation, call) =>
      isLost && operation === 'claim' ? Promise.reject(new Error('connection lost')) : call(),
    );
    const first = await start({ store: lost, maxParallelRecoveryPerTarget: 1 });
    first.slow('bank', 30 * SECOND);
    await first.submit(['g1', 'g2'], 'bank');
    await first.clock.advance(12 * SECOND);
    expect(first.transport.calls).toHaveLength(3);
    isLost = true;
    const second = await startCoordinator({ store, clock: first.clock });
    // both leases end: the call of the first transaction hangs, the second has no call
    await first.clock.advance(15 * SECOND);
    expect(second.transport.calls.map(({ context }) => context.gid).toSorted()).toEqual(['g1', 'g2']);
    await first.clock.advance(MINUTE);
    expect(first.transport.calls).toHaveLength(3);
    for (const gid of ['g1', 'g2']) expect((await first.find(gid)).transaction.status).toBe('succeed');
  });

  it('continues while other answers renew its lease', async () => {
    const { clock, server, transport } = await start({ maxParallelRecoveryPerTarget: 1 });
    const steps = Array.from({ length: 10 }, () => ({ action: 'http://bank/a' }));
    for (let branch = 1; branch <= 10; branch++) {
      transport.answer(`${String(branch).padStart(2, '0')} action`, UNKNOWN, async () => {
        await new Promise<void>((resolve) => void clock.after(2500, resolve));
        return SUCCESS;
      });
    }
    const payloads = steps.map(() => '');
    await server.submit({ gid: 'g', transType: 'saga', steps, payloads, customData: '{"concurrent":true}' });
    await clock.advance(12 * SECOND);
    await clock.advance(25 * SECOND);
    expect((await server.query('g'))?.transaction.status).toBe('succeed');
    expect(transport.calls).toHaveLength(20);
  });

  it('calls nothing when the coordinator stops, and is due at the next start', async () => {
    const store = memoryStore();
    const { clock, submit, transport, server, find } = await start({ store, maxParallelRecoveryPerTarget: 2 });
    const held = deferred<Outcome>();
    await submit(gidsOf('g', 4), 'bank');
    transport.answer('01 action', () => held.promise);
    await clock.advance(12 * SECOND);
    // two are called, two wait
    expect(transport.calls).toHaveLength(6);
    const closed = server.close();
    await settled();
    held.resolve(SUCCESS);
    await closed;
    expect(transport.calls).toHaveLength(6);
    expect(clock.pending).toBe(0);
    const waited = await Promise.all(gidsOf('g', 4).map(find));
    const left = waited.filter(({ transaction }) => transaction.status === 'submitted');
    expect(left).toHaveLength(2);
    for (const { transaction } of left) {
      expect(transaction.owner).toBeUndefined();
      expect(transaction.nextCronTime).toBeLessThanOrEqual(clock.now());
    }
    const next = await startCoordinator({ store, clock });
    await settled();
    expect(next.transport.calls).toHaveLength(2);
  });
});

describe('a slot is released', () => {
  const LIMITED = { maxParallelRecovery: 4, maxParallelRecoveryPerTarget: 1 };

  it('by a call whose transport throws', async () => {
    const { clock, submit, transport, server } = await start(LIMITED);
    await submit(gidsOf('g', 10), 'bank');
    transport.answer('01 action', ...gidsOf('', 10).map(() => () => Promise.reject(new Error('bug'))), SUCCESS);
    await clock.advance(2 * MINUTE);
    expect((await server.all({ status: 'succeed' })).transactions).toHaveLength(10);
  });

  it('by a pass whose store fails', async () => {
    let failures = 0;
    const store = interceptStore(memoryStore(), (operation, call) =>
      operation === 'update' && failures > 0 && failures-- > 0 ? Promise.reject(new Error('disk full')) : call(),
    );
    const { clock, submit, server } = await start({ ...LIMITED, store });
    await submit(gidsOf('g', 10), 'bank');
    failures = 10;
    await clock.advance(3 * MINUTE);
    expect(failures).toBe(0);
    expect((await server.all({ status: 'succeed' })).transactions).toHaveLength(10);
  });

  it('by a pass whose transaction was stopped by force while it waited', async () => {
    const { clock, submit, server, slow } = await start(LIMITED);
    slow('bank', 1000);
    await submit(gidsOf('g', 10), 'bank');
    await clock.advance(11 * SECOND);
    for (const gid of gidsOf('g', 5)) await server.forceStop(gid).catch(() => undefined);
    await clock.advance(2 * MINUTE);
    expect((await server.all({ status: 'submitted' })).transactions).toEqual([]);
  });

  it('by a call that is deferred', async () => {
    const { clock, submit, server, transport } = await start({ ...LIMITED, breakerFailures: 2 });
    await submit(gidsOf('g', 10), 'bank');
    transport.answer('01 action', SUCCESS);
    transport.stopHost('bank');
    await clock.advance(MINUTE);
    transport.startHost('bank');
    await clock.advance(10 * SECOND);
    expect((await server.all({ status: 'succeed' })).transactions).toHaveLength(10);
  });
});

describe('between two polls', () => {
  it('resetNextCronTime and retryTarget retry a transaction at once', async () => {
    const dtm = await startHttpCoordinator({ pollIntervalSeconds: 3600 });
    await settled();
    dtm.transport.answer('01 action', UNKNOWN);
    for (const gid of ['g', 'h']) await dtm.server.submit(sagaAt(gid, 'bank'));
    await settled();
    dtm.transport.answer('01 action', SUCCESS);
    await dtm.post('resetNextCronTime', { gid: 'g' });
    await settled();
    expect(await dtm.show('g')).toMatch(/^succeed/);
    expect(await dtm.show('h')).toMatch(/^submitted/);
    await dtm.post('retryTarget', { target: 'http://bank' });
    await settled();
    expect(await dtm.show('h')).toMatch(/^succeed/);
  });

  it('they retry a due transaction at once, too', async () => {
    const dtm = await startHttpCoordinator({ pollIntervalSeconds: 3600 });
    dtm.transport.answer('01 action', UNKNOWN, SUCCESS);
    await dtm.server.submit(sagaAt('g', 'bank'));
    await settled();
    dtm.clock.jump(MINUTE);
    await dtm.post('resetNextCronTime', { gid: 'g' });
    await settled();
    expect(await dtm.show('g')).toMatch(/^succeed/);
  });

  it('a transaction that becomes due during a poll is found by another poll', async () => {
    let onClaim: (() => void) | undefined;
    const store = interceptStore(memoryStore(), async (operation, call) => {
      const result = await call();
      if (operation === 'claim') onClaim?.();
      return result;
    });
    const dtm = await startHttpCoordinator({ pollIntervalSeconds: 60, store });
    await settled();
    dtm.transport.answer('01 action', UNKNOWN, SUCCESS);
    await dtm.server.submit(sagaAt('g', 'bank', { retryIntervalSeconds: 300 }));
    await settled();
    const woken = deferred();
    onClaim = () => {
      onClaim = undefined;
      void dtm.post('resetNextCronTime', { gid: 'g' }).then(() => woken.resolve());
    };
    await dtm.clock.advance(61 * SECOND);
    await woken.promise;
    await settled();
    expect(await dtm.show('g')).toMatch(/^succeed/);
  });

  it('there is a pause: recovery does not poll all the time', async () => {
    let looks = 0;
    const store = interceptStore(memoryStore(), (operation, call) => {
      if (operation === 'claim') looks++;
      return call();
    });
    const { clock, submit, slow } = await start({ store });
    await clock.advance(MINUTE);
    expect(looks).toBeLessThanOrEqual(61);
    slow('bank', 2000);
    await submit(gidsOf('g', 200), 'bank');
    looks = 0;
    await clock.advance(MINUTE);
    // one poll for each pause, and one for each group of claimed transactions
    expect(looks).toBeLessThanOrEqual(60 + 200);
  });
});
