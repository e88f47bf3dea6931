import { DtmOngoingError } from 'nestjs-dtm/protocol';
import { memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { deferred } from '../../support/deferred.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { START_TIME, settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Seconds between attempts. */
const pauses = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => (time - times[index]!) / SECOND);

/** An attempt comes after its interval, at most a tenth of it later, plus the pause between two polls. */
function expectPauses(times: readonly number[], intervals: readonly number[]): void {
  const found = pauses(times);
  expect(found).toHaveLength(intervals.length);
  for (const [index, interval] of intervals.entries()) {
    expect(found[index]).toBeGreaterThanOrEqual(interval);
    expect(found[index]).toBeLessThanOrEqual(interval * 1.1 + 1);
  }
}

describe('a branch that gives no decision', () => {
  it('is called again after one interval, then after twice the interval each time, up to five minutes', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await clock.advance(30 * 60 * SECOND);
    const times = transport.timesOf('01 action');
    expect(times[0]).toBe(START_TIME);
    expectPauses(times.slice(0, 8), [10, 20, 40, 80, 160, 300, 300]);
  });

  it('is called at the interval of its transaction', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 2 }));
    await clock.advance(20 * SECOND);
    expectPauses(transport.timesOf('01 action'), [2, 4, 8]);
  });

  it('is called at the same interval while it is ongoing', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', ONGOING);
    await server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 60 }));
    await clock.advance(10 * 60 * SECOND);
    const times = transport.timesOf('01 action');
    expectPauses(
      times,
      times.slice(1).map(() => 60),
    );
    expect(times.length).toBeGreaterThanOrEqual(9);
  });

  it('is called until it decides, then the saga continues', async () => {
    const { server, clock, transport, show } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, ONGOING, UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g', 2));
    await clock.advance(10 * MINUTE);
    expect(transport.keys).toEqual(['01 action', '01 action', '01 action', '01 action', '02 action']);
    expect(await show('g')).toBe(
      'succeed: 01 compensate prepared, 01 action succeed, 02 compensate prepared, 02 action succeed',
    );
  });

  it('does not extend the interval of later branches', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, SUCCESS).answer('02 action', UNKNOWN);
    await server.submit(sagaRequest('g', 2));
    await clock.advance(10 * MINUTE);
    expectPauses(transport.timesOf('02 action').slice(0, 4), [10, 20, 40]);
  });

  it('in the second phase is called without end, even when it answers failure', async () => {
    const { server, clock, transport, find, logger } = await startCoordinator();
    transport.answer('01 confirm', ...Array.from({ length: 5 }, () => FAILURE), SUCCESS);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.submit(tccRequest('g'));
    await clock.advance(20 * MINUTE);
    // from the third failure on, the transaction needs attention and is retried only at the longest interval
    expectPauses(transport.timesOf('01 confirm'), [10, 20, 300, 300, 300]);
    expect((await find('g')).transaction.status).toBe('succeed');
    expect(logger.of('warn')[0]).toBe(
      'branch gave no decision; confirm must not fail and is retried until it succeeds',
    );
  });

  it('is reported with its answer', async () => {
    const { server, transport, logger, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await settled();
    expect(logger.lines.slice(1)).toEqual([
      {
        level: 'warn',
        message: 'branch gave no decision',
        fields: { gid: 'g', branchId: '01', op: 'action', url: 'http://b/a1', answer: 'status 500: boom' },
      },
    ]);
    expect((await find('g')).branches[1]).toMatchObject({ attempts: 1, lastError: 'status 500: boom' });
  });

  it('is retried, too, when the transport throws against its contract', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', () => Promise.reject(new Error('bug')), SUCCESS);
    await server.submit(sagaRequest('g'));
    await settled();
    expect((await find('g')).branches[1]).toMatchObject({ status: 'prepared', lastError: 'Error: bug' });
    await clock.advance(20 * SECOND);
    expect((await find('g')).transaction.status).toBe('succeed');
  });
});

describe('a submit that waits', () => {
  it.each([UNKNOWN, ONGOING])(
    'waits for the next attempt when it is due within the request time-out: %j',
    async (first) => {
      const { server, clock, transport } = await startCoordinator();
      transport.answer('01 action', first, SUCCESS);
      const submitted = server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 2, waitResult: true }));
      await clock.advance(2500);
      await submitted;
      expect(transport.calls).toHaveLength(2);
    },
  );

  it('is told that the transaction is not decided when the next attempt is due later', async () => {
    const { server, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    const submitted = server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 4, waitResult: true }));
    await expect(submitted).rejects.toThrow(DtmOngoingError);
  });

  it('calls nothing after a pause in which the transaction was stopped by force', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    const submitted = server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 2, waitResult: true }));
    const refused = expect(submitted).rejects.toThrow('stopped by force');
    await settled();
    await server.forceStop('g');
    await clock.advance(10_000);
    await refused;
    expect(transport.calls).toHaveLength(1);
  });

  it('ends its pause when the coordinator stops', async () => {
    const { server, transport, store } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    const submitted = server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 2, waitResult: true }));
    const undecided = expect(submitted).rejects.toThrow(DtmOngoingError);
    await settled();
    await server.close();
    await undecided;
    await store.open();
    expect((await store.find('g'))?.transaction).toMatchObject({ status: 'submitted', owner: undefined });
  });
});

describe('retry_limit', () => {
  it('rolls back when it is used up, with a pause before each attempt', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g', 1, { retryLimit: 2 }));
    await clock.advance(10 * MINUTE);
    expectPauses(transport.timesOf('01 action'), [10, 20]);
    expect(transport.timesOf('01 compensate')).toEqual([transport.timesOf('01 action').at(-1)]);
    expect((await find('g')).transaction).toMatchObject({
      status: 'failed',
      rollbackReason: 'RetryCount is greater than RetryLimit, RetryLimit: 2',
    });
  });

  it('is used up within a submit that waits, after short pauses', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    const submitted = server.submit(sagaRequest('g', 1, { retryLimit: 3, waitResult: true }));
    const refused = expect(submitted).rejects.toThrow('RetryCount is greater than RetryLimit, RetryLimit: 3');
    await clock.advance(699);
    expect(transport.timesOf('01 compensate')).toEqual([]);
    await clock.advance(1);
    await refused;
    const times = transport.timesOf('01 action');
    expect(times.slice(1).map((time, index) => time - times[index]!)).toEqual([100, 200, 400]);
  });

  it('lets a submit that waits succeed when an attempt does', async () => {
    const { server, clock, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, UNKNOWN, SUCCESS);
    const submitted = server.submit(sagaRequest('g', 1, { retryLimit: 3, waitResult: true }));
    await clock.advance(300);
    await submitted;
  });

  it('is not used up by an ongoing branch', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', ...Array.from({ length: 20 }, () => ONGOING), SUCCESS);
    await server.submit(sagaRequest('g', 1, { retryLimit: 1 }));
    await clock.advance(10 * MINUTE);
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('is shared by all steps', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, SUCCESS).answer('02 action', UNKNOWN);
    await server.submit(sagaRequest('g', 2, { retryLimit: 2 }));
    await clock.advance(10 * MINUTE);
    expect(transport.timesOf('02 action')).toHaveLength(2);
    expect((await find('g')).transaction.status).toBe('failed');
  });
});

describe('a time-out', () => {
  it('rolls a saga back at its age, whatever the interval', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('02 action', UNKNOWN);
    await server.submit(sagaRequest('g', 2, { timeoutToFailSeconds: 25 }));
    await clock.advance(24 * SECOND);
    expect((await find('g')).transaction.status).toBe('submitted');
    await clock.advance(3 * SECOND);
    expect((await find('g')).transaction).toMatchObject({
      status: 'failed',
      rollbackReason: 'Timeout after 25 seconds',
    });
    expect(transport.keys.slice(-2)).toEqual(['02 compensate', '01 compensate']);
    const time = transport.timesOf('02 compensate')[0]! - START_TIME;
    expect(time).toBeGreaterThanOrEqual(25 * SECOND);
    expect(time).toBeLessThanOrEqual(26 * SECOND);
  });

  it('fails a saga that was prepared and never submitted', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    await server.prepare(sagaRequest('g', 1, { timeoutToFailSeconds: 25 }));
    await clock.advance(27 * SECOND);
    expect((await find('g')).transaction).toMatchObject({
      status: 'failed',
      rollbackReason: 'Timeout after 25 seconds',
    });
    expect(transport.calls).toEqual([]);
  });

  it('does not affect a prepared saga without one', async () => {
    const { server, clock, find } = await startCoordinator({ pollIntervalSeconds: 600 });
    await server.prepare(sagaRequest('g'));
    await clock.advance(3 * 24 * HOUR);
    expect((await find('g')).transaction.status).toBe('prepared');
  });

  it.each([
    [undefined, 35],
    [60, 60],
  ])('cancels a TCC of timeout %s after %i seconds, and its text says so', async (timeoutToFailSeconds, seconds) => {
    const { server, clock, transport, find } = await startCoordinator();
    await server.prepare(tccRequest('g', { timeoutToFailSeconds }));
    await server.registerBranch(tccBranch('g', '01'));
    await server.registerBranch(tccBranch('g', '02'));
    await clock.advance((seconds - 1) * SECOND);
    expect((await find('g')).transaction.status).toBe('prepared');
    await clock.advance(3 * SECOND);
    expect((await find('g')).transaction).toMatchObject({
      status: 'failed',
      rollbackReason: `Timeout after ${seconds} seconds`,
    });
    expect(transport.keys).toEqual(['02 cancel', '01 cancel']);
  });

  it('does not affect a TCC that was submitted in time', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 confirm', UNKNOWN);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.submit(tccRequest('g'));
    await clock.advance(10 * MINUTE);
    expect((await find('g')).transaction.status).toBe('submitted');
    expect(new Set(transport.keys)).toEqual(new Set(['01 confirm']));
  });
});

describe('recovery', () => {
  it('does not begin before recover(), because the branches of this process cannot answer yet', async () => {
    const store = memoryStore();
    const first = await startCoordinator({ store });
    first.transport.answer('01 action', UNKNOWN);
    await first.server.submit(sagaRequest('g'));
    await first.server.close();
    const second = await startCoordinator({ store, clock: first.clock, transport: first.transport });
    await second.server.close();
    expect(first.transport.keys).toEqual(['01 action']);
  });

  it('works on many transactions at the same time, but on no more than allowed', async () => {
    const { server, clock, transport } = await startCoordinator({ maxParallelRecovery: 4, pollIntervalSeconds: 1 });
    const gids = Array.from({ length: 10 }, (_, index) => `g${index}`);
    let running = 0;
    let most = 0;
    transport.answer('01 action', ...gids.map(() => UNKNOWN), async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => void clock.after(0.9 * SECOND, resolve));
      running--;
      return SUCCESS;
    });
    for (const gid of gids) await server.submit(sagaRequest(gid));
    await clock.advance(60 * SECOND);
    expect(most).toBe(4);
    for (const gid of gids) expect((await server.query(gid))?.transaction.status).toBe('succeed');
  });

  it('goes on with others when calls last longer than a second, up to eight times as many', async () => {
    const { server, clock, transport } = await startCoordinator({ maxParallelRecovery: 4, pollIntervalSeconds: 1 });
    const gids = Array.from({ length: 50 }, (_, index) => `g${index}`);
    const released = deferred();
    let running = 0;
    transport.answer('01 action', ...gids.map(() => UNKNOWN), async () => {
      running++;
      await released.promise;
      return SUCCESS;
    });
    for (const [index, gid] of gids.entries()) {
      const steps = [{ action: `http://bank${index}/a` }];
      await server.submit(sagaRequest(gid, 1, { steps, requestTimeoutSeconds: 600 }));
    }
    await clock.advance(60 * SECOND);
    expect(running).toBe(32);
    released.resolve();
    await clock.advance(60 * SECOND);
    for (const gid of gids) expect((await server.query(gid))?.transaction.status).toBe('succeed');
  });

  it('is not blocked by a transaction whose branch does not answer', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('slow'));
    await held.arrived;
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('fast'));
    await clock.advance(13 * SECOND);
    expect((await find('fast')).transaction.status).toBe('succeed');
    expect((await find('slow')).transaction.status).toBe('submitted');
    held.answer(SUCCESS);
    await settled();
    expect((await find('slow')).transaction.status).toBe('succeed');
  });

  it('does not lose capacity to a pass that repeatedly outlives its lease', async () => {
    const { server, clock, transport, find } = await startCoordinator({ maxParallelRecovery: 2 });
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('slow'));
    await held.arrived;
    await clock.advance(5 * MINUTE);
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('fast'));
    await clock.advance(20 * SECOND);
    expect((await find('fast')).transaction.status).toBe('succeed');
    held.answer(SUCCESS);
    await settled();
  });

  it('does not start a second pass over a transaction, even when the first outlives its lease', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await held.arrived;
    await clock.advance(10 * MINUTE);
    expect(transport.keys).toEqual(['01 action']);
    held.answer(SUCCESS);
    await settled();
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('continues after the store failed during a poll', async () => {
    let isBroken = false;
    const store = interceptStore(memoryStore(), (operation, call) =>
      isBroken && operation === 'claim' ? Promise.reject(new Error('disk on fire')) : call(),
    );
    const { server, clock, transport, logger } = await startCoordinator({ store });
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    isBroken = true;
    await clock.advance(15 * SECOND);
    expect(logger.lines.filter((line) => line.level === 'error')[0]).toMatchObject({
      message: 'polling for due transactions failed',
      fields: { store: store.name, error: 'Error: disk on fire' },
    });
    isBroken = false;
    await clock.advance(2 * SECOND);
    expect((await server.query('g'))?.transaction.status).toBe('succeed');
  });

  it('tolerates a clock that is set forward and back', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await settled();
    clock.jump(10 * MINUTE);
    await clock.advance(2 * SECOND);
    expect(transport.timesOf('01 action')).toHaveLength(2);
    clock.jump(-10 * MINUTE);
    await clock.advance(11 * MINUTE);
    expect((await find('g')).transaction.status).toBe('succeed');
  });
});
