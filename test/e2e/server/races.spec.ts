import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm/protocol';
import { memoryStore, sqliteStore, type Store } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { gatedStore } from '../../support/intercepted-store.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const TIMEOUT_MS = 35_000;

async function gated() {
  const { store, hold } = gatedStore(memoryStore());
  return { ...(await startCoordinator({ store })), hold };
}

describe('a branch that is registered while', () => {
  it('its TCC times out is either refused or cancelled', async () => {
    const { server, clock, transport, hold, show } = await gated();
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    // the coordinator has read one branch and is about to store the change to aborting
    const save = hold('update');
    await clock.advance(TIMEOUT_MS);
    await save.arrived;
    await server.registerBranch(tccBranch('g', '02'));
    save.release();
    await settled();
    expect(transport.keys).toEqual(['02 cancel', '01 cancel']);
    expect(await show('g')).toBe(
      'failed: 01 cancel succeed, 01 confirm prepared, 02 cancel succeed, 02 confirm prepared',
    );
    await expect(server.registerBranch(tccBranch('g', '03'))).rejects.toThrow(DtmFailureError);
  });

  it('its TCC without earlier branches times out is cancelled, too', async () => {
    const { server, clock, transport, hold } = await gated();
    await server.prepare(tccRequest('g'));
    const save = hold('update');
    await clock.advance(TIMEOUT_MS);
    await save.arrived;
    await server.registerBranch(tccBranch('g', '01'));
    save.release();
    await settled();
    expect(transport.keys).toEqual(['01 cancel']);
  });

  it.each([
    ['submitted', '02 confirm', '01 confirm'],
    ['aborted', '02 cancel', '01 cancel'],
  ])('its TCC is %s takes part', async (what, ...calls) => {
    const { server, transport, hold } = await gated();
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    const save = hold('update');
    const decided = what === 'submitted' ? server.submit(tccRequest('g')) : server.abort(tccRequest('g'));
    await save.arrived;
    await server.registerBranch(tccBranch('g', '02'));
    save.release();
    await decided;
    await settled();
    expect(transport.keys).toEqual(calls);
  });
});

describe('a TCC that is submitted at its time-out', () => {
  it('is confirmed when the submit is stored first', async () => {
    const { server, clock, transport, hold, find } = await gated();
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    const timeout = hold('update');
    await clock.advance(TIMEOUT_MS);
    await timeout.arrived;
    await server.submit(tccRequest('g'));
    timeout.release();
    await settled();
    expect(transport.keys).toEqual(['01 confirm']);
    expect((await find('g')).transaction).toMatchObject({ status: 'succeed' });
    expect((await find('g')).transaction.rollbackReason).toBeUndefined();
  });

  it('is cancelled when the time-out is stored first, and the submit is refused', async () => {
    const { server, clock, transport, hold, find } = await gated();
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    const submit = hold('update');
    const submitting = server.submit(tccRequest('g'));
    await submit.arrived;
    await clock.advance(TIMEOUT_MS);
    submit.release();
    await expect(submitting).rejects.toThrow("current status 'failed', cannot sumbmit.");
    expect(transport.keys).toEqual(['01 cancel']);
    expect((await find('g')).transaction.status).toBe('failed');
  });

  it('is confirmed when the submit waits for the result during an earlier poll', async () => {
    const { server, clock, transport, hold, find } = await gated();
    await server.prepare(tccRequest('g', { timeoutToFailSeconds: 3 * 86_400 }));
    await server.registerBranch(tccBranch('g', '01'));
    const look = hold('update');
    clock.jump(86_400_000);
    await clock.advance(2000);
    await look.arrived;
    const submitting = server.submit(tccRequest('g', { waitResult: true }));
    await settled();
    look.release();
    await submitting;
    expect(transport.keys).toEqual(['01 confirm']);
    expect((await find('g')).transaction.status).toBe('succeed');
  });
});

describe('forceStop during a pass', () => {
  it('ends the pass: the answer to a running call is ignored, and nothing more is called', async () => {
    const { server, clock, transport, find, logger } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g', 2));
    await held.arrived;
    await server.forceStop('g');
    held.answer(SUCCESS);
    await clock.advance(60_000);
    expect(transport.keys).toEqual(['01 action']);
    expect((await find('g')).transaction).toMatchObject({ status: 'failed', rollbackReason: 'stopped by force' });
    expect((await find('g')).branches[1]!.status).toBe('prepared');
    expect(logger.of('error')).toEqual([]);
  });

  it('is refused when the pass ends first', async () => {
    const { server, hold, find } = await gated();
    const stop = hold('update');
    await server.prepare(sagaRequest('g'));
    const stopping = server.forceStop('g');
    await stop.arrived;
    await server.submit(sagaRequest('g'));
    await settled();
    stop.release();
    await expect(stopping).rejects.toThrow('global transaction force stop error. status: succeed. error:');
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('during a rollback skips the compensations that were not called', async () => {
    const { server, clock, transport, show } = await startCoordinator();
    transport.answer('02 action', FAILURE);
    const held = transport.hold('02 compensate');
    await server.submit(sagaRequest('g', 2));
    await held.arrived;
    await server.forceStop('g');
    held.answer(SUCCESS);
    await clock.advance(60_000);
    expect(transport.keys).not.toContain('01 compensate');
    expect(await show('g')).toMatch(/^failed: /);
  });
});

describe('abort while the coordinator cancels', () => {
  it('does not cancel a branch twice at the same time', async () => {
    const { server, transport, find } = await startCoordinator();
    const held = transport.hold('01 cancel');
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.abort(tccRequest('g'));
    await held.arrived;
    await Promise.all([server.abort(tccRequest('g')), server.abort(tccRequest('g'))]);
    held.answer(SUCCESS);
    await settled();
    expect(transport.keys).toEqual(['01 cancel']);
    expect((await find('g')).transaction.status).toBe('failed');
  });

  it('does not shorten the pause after an attempt that has just ended', async () => {
    const { server, clock, transport, hold, find } = await gated();
    transport.answer('01 cancel', UNKNOWN);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.abort(tccRequest('g'));
    await settled();
    // abort has found no running pass; before its write, recovery starts one
    const write = hold('update');
    const aborting = server.abort(tccRequest('g'));
    await write.arrived;
    const held = transport.hold('01 cancel');
    await clock.advance(12_000);
    await held.arrived;
    write.release();
    await aborting;
    held.answer(UNKNOWN);
    await settled();
    expect(transport.keys).toEqual(['01 cancel', '01 cancel']);
    const { transaction } = await find('g');
    expect(transaction.owner).toBeUndefined();
    expect(transaction.nextCronTime).toBeGreaterThan(clock.now());
  });
});

describe('two coordinators on one store', () => {
  it('do not overwrite each other: an answer after the loss of the lease is not stored', async () => {
    const store = memoryStore();
    const slow = await startCoordinator({ store });
    const held = slow.transport.hold('01 action');
    await slow.server.submit(sagaRequest('g'));
    await held.arrived;
    // the first coordinator stalls until its lease has expired, and the second takes over
    const other = await startCoordinator({ store });
    other.transport.answer('01 action', UNKNOWN, SUCCESS);
    await other.clock.advance(14_000);
    expect(other.transport.keys).toEqual(['01 action']);
    held.answer(FAILURE);
    await settled();
    expect(slow.transport.keys).toEqual(['01 action']);
    expect((await other.find('g')).transaction).toMatchObject({ status: 'submitted', retryCount: 1 });
    await other.clock.advance(15_000);
    expect((await other.find('g')).transaction.status).toBe('succeed');
  });

  it('share the work: neither takes what the other has claimed', async () => {
    const store = memoryStore();
    const first = await startCoordinator({ store });
    first.transport.answer('01 action', UNKNOWN);
    for (let index = 0; index < 20; index++) await first.server.submit(sagaRequest(`g${index}`));
    await settled();
    const second = await startCoordinator({ store, clock: first.clock });
    first.transport.answer('01 action', SUCCESS).calls.length = 0;
    await first.clock.advance(12_000);
    const gids = [...first.transport.calls, ...second.transport.calls].map((call) => call.context.gid);
    expect(gids).toHaveLength(20);
    expect(new Set(gids).size).toBe(20);
  });
});

describe.each<[string, () => Store]>([
  ['memory', memoryStore],
  ['SQLite', () => sqliteStore({ path: join(tempFolder(), 'dtm.db') })],
])('many clients at the same time, on %s', (_, makeStore) => {
  it('return success to all concurrent submits of a saga, which runs once', async () => {
    const { server, transport } = await startCoordinator({ store: makeStore() });
    const held = transport.hold('01 action');
    const submits = Array.from({ length: 20 }, (__, index) =>
      server.submit(sagaRequest('g', 2, { waitResult: index % 2 === 0 })),
    );
    await held.arrived;
    await settled();
    held.answer(SUCCESS);
    await Promise.all(submits);
    await settled();
    expect(transport.keys).toEqual(['01 action', '02 action']);
  });

  it('confirm a prepared TCC once when it is submitted several times', async () => {
    const { server, transport, find } = await startCoordinator({ store: makeStore() });
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    const submits = Array.from({ length: 10 }, () => server.submit(tccRequest('g', { waitResult: true })));
    const results = await Promise.allSettled(submits);
    // a submit between the decision and the first call may be told that the transaction is ongoing, never that it failed
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DtmOngoingError);
    expect(results.some((result) => result.status === 'fulfilled')).toBe(true);
    await settled();
    expect(transport.keys).toEqual(['01 confirm']);
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('let either submit or abort of a TCC win, consistently, and do nothing twice', async () => {
    for (let round = 0; round < 20; round++) {
      const { server, transport, find } = await startCoordinator({ store: makeStore() });
      await server.prepare(tccRequest('g'));
      await server.registerBranch(tccBranch('g', '01'));
      const calls = Array.from(
        { length: 6 },
        (__, index) => ((index + round) % 2 === 0 ? 'submit' : 'abort') as 'submit' | 'abort',
      );
      const results = await Promise.allSettled(calls.map((call) => server[call](tccRequest('g'))));
      await settled();
      const winners = new Set(calls.filter((___, index) => results[index]!.status === 'fulfilled'));
      expect(winners.size).toBe(1);
      const [winner] = winners;
      expect(transport.keys).toEqual([winner === 'submit' ? '01 confirm' : '01 cancel']);
      expect((await find('g')).transaction.status).toBe(winner === 'submit' ? 'succeed' : 'failed');
      await server.close();
    }
  });

  it('give a gid either to a saga or to a TCC', async () => {
    const { server, find } = await startCoordinator({ store: makeStore() });
    const results = await Promise.allSettled([
      server.submit(sagaRequest('g')),
      server.prepare(tccRequest('g')),
      server.submit(tccRequest('g')),
    ]);
    const [saga, ...tcc] = results.map((result) => result.status);
    expect(new Set(tcc).size).toBe(1);
    expect(saga).not.toBe(tcc[0]);
    expect((await find('g')).transaction.transType).toBe(saga === 'fulfilled' ? 'saga' : 'tcc');
  });

  it('submit a saga that is prepared and submitted at the same time, and run it once', async () => {
    const { server, transport, find } = await startCoordinator({ store: makeStore() });
    await Promise.allSettled([
      server.prepare(sagaRequest('g')),
      server.submit(sagaRequest('g')),
      server.prepare(sagaRequest('g')),
    ]);
    await settled();
    expect(transport.keys).toEqual(['01 action']);
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('that stop and finish a saga at the same time leave one final state, which never changes', async () => {
    const { server, transport, find } = await startCoordinator({ store: makeStore() });
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await held.arrived;
    held.answer(SUCCESS);
    await Promise.allSettled(Array.from({ length: 5 }, () => server.forceStop('g')));
    await settled();
    const { transaction } = await find('g');
    expect(['succeed', 'failed']).toContain(transaction.status);
    await expect(server.forceStop('g')).rejects.toThrow(DtmFailureError);
    expect((await find('g')).transaction).toEqual(transaction);
  });

  it('finish all of 200 sagas, half of which fail', async () => {
    const { server, transport, find } = await startCoordinator({ store: makeStore() });
    transport.answer('02 action', (call) => (Number(call.context.gid.slice(1)) % 2 === 0 ? SUCCESS : FAILURE));
    const gids = Array.from({ length: 200 }, (__, index) => `g${index}`);
    const results = await Promise.allSettled(
      gids.map((gid) => server.submit(sagaRequest(gid, 2, { waitResult: true }))),
    );
    for (const [index, gid] of gids.entries()) {
      expect(results[index]!.status).toBe(index % 2 === 0 ? 'fulfilled' : 'rejected');
      expect((await find(gid)).transaction.status).toBe(index % 2 === 0 ? 'succeed' : 'failed');
    }
    expect(transport.calls).toHaveLength(100 * 2 + 100 * 4);
  });
});
