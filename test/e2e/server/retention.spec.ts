import { memoryStore, sqliteStore, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { makeCoordinator, startCoordinator } from '../../support/coordinator.js';
import { sagaRequest, tccRequest } from '../../support/requests.js';
import { FAILURE, UNKNOWN } from '../../support/scripted-transport.js';
import { gatedStore, interceptStore } from '../../support/intercepted-store.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 60_000, hookTimeout: 20_000 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const gidsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

async function start(options: EmbeddedServerOptions = {}) {
  const fixture = await startCoordinator({ retentionSeconds: 3600, ...options } as Parameters<
    typeof startCoordinator
  >[0]);
  return {
    ...fixture,
    async gids(): Promise<string[]> {
      const { transactions } = await fixture.server.all({ limit: 10_000 });
      return transactions.map(({ gid }) => gid).toSorted();
    },
  };
}

describe('a finished transaction', () => {
  it('is deleted after the retention time, not before', async () => {
    const { server, clock, transport, gids } = await start();
    transport.answer('02 action', FAILURE);
    await server.submit(sagaRequest('succeeded'));
    await server.submit(sagaRequest('failed', 2));
    await clock.advance(59 * MINUTE);
    expect(await gids()).toEqual(['failed', 'succeeded']);
    await clock.advance(2 * HOUR);
    expect(await gids()).toEqual([]);
    expect(await server.query('succeeded')).toBeUndefined();
  });

  it('has a retention time that begins when it is final, not when it is created', async () => {
    const { server, clock, transport, gids } = await start();
    transport.answer('01 action', ...Array.from({ length: 30 }, () => UNKNOWN));
    await server.submit(sagaRequest('g'));
    await clock.advance(2 * HOUR);
    transport.answer('01 action', FAILURE);
    await clock.advance(10 * MINUTE);
    expect((await server.query('g'))?.transaction.status).toBe('failed');
    await clock.advance(45 * MINUTE);
    expect(await gids()).toEqual(['g']);
    await clock.advance(2 * HOUR);
    expect(await gids()).toEqual([]);
  });

  it('is kept for seven days by default', async () => {
    const { server, clock } = await startCoordinator({ pollIntervalSeconds: 3600 });
    await server.submit(sagaRequest('g'));
    await clock.advance(6.9 * DAY);
    expect(await server.query('g')).toBeDefined();
    await clock.advance(0.2 * DAY);
    expect(await server.query('g')).toBeUndefined();
  });

  it('frees its gid when it is deleted', async () => {
    const { server, clock, transport } = await start();
    await server.submit(sagaRequest('g'));
    await clock.advance(3 * HOUR);
    await server.submit(sagaRequest('g'));
    await settled();
    expect(transport.keys).toEqual(['01 action', '01 action']);
  });
});

describe('an unfinished transaction', () => {
  it('is never deleted, however old it is', async () => {
    const { server, clock, transport, gids } = await start({ pollIntervalSeconds: 600 });
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('submitted'));
    await server.prepare(sagaRequest('prepared'));
    await server.prepare(tccRequest('waits', { timeoutToFailSeconds: 31_536_000 }));
    transport.answer('02 action', FAILURE).answer('02 compensate', UNKNOWN);
    await server.submit(sagaRequest('done', 0));
    await clock.advance(10 * DAY);
    expect(await gids()).toEqual(['prepared', 'submitted', 'waits']);
  });

  it('does not keep later finished transactions from being deleted', async () => {
    const { server, clock, transport, gids } = await start({ pollIntervalSeconds: 600 });
    transport.answer('01 action', ...gidsOf('', 500).map(() => UNKNOWN));
    for (const gid of gidsOf('prepared', 450)) await server.prepare(sagaRequest(gid));
    for (const gid of gidsOf('done', 450)) await server.submit(sagaRequest(gid, 0));
    await clock.advance(3 * HOUR);
    expect(await gids()).toEqual(gidsOf('prepared', 450).toSorted());
  });
});

describe('the deletion', () => {
  it('takes batches of two hundred, with a pause in between', async () => {
    const prunes: { readonly time: number; readonly count: number }[] = [];
    const store = interceptStore(memoryStore(), async (operation, call) => {
      const result = await call();
      if (operation === 'prune') prunes.push({ time: clock.now(), count: (result as { count: number }).count });
      return result;
    });
    const { server, clock, gids } = await start({ store });
    for (const gid of gidsOf('g', 500)) await server.submit(sagaRequest(gid, 0));
    await settled();
    await clock.advance(3 * HOUR);
    const useful = prunes.filter(({ count }) => count > 0);
    expect(useful.map(({ count }) => count)).toEqual([200, 200, 100]);
    expect(useful[1]!.time).toBeGreaterThan(useful[0]!.time);
    expect(useful[2]!.time - useful[0]!.time).toBeLessThanOrEqual(SECOND);
    expect(await gids()).toEqual([]);
    // otherwise a round comes once an hour
    expect(prunes.length).toBeLessThanOrEqual(10);
  });

  it('is retried within a minute after an error of the store', async () => {
    let isBroken = true;
    const store = interceptStore(memoryStore(), (operation, call) =>
      operation === 'prune' && isBroken ? Promise.reject(new Error('disk full')) : call(),
    );
    const { server, clock, logger, gids } = await start({ store });
    await server.submit(sagaRequest('g', 0));
    await clock.advance(3 * HOUR);
    expect(logger.lines.filter(({ level }) => level === 'error')[0]).toEqual({
      level: 'error',
      message: 'finished transactions could not be deleted',
      fields: { store: store.name, error: 'Error: disk full' },
    });
    expect(await gids()).toEqual(['g']);
    isBroken = false;
    await clock.advance(MINUTE);
    expect(await gids()).toEqual([]);
  });

  it('continues after a restart', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await start({ store: sqliteStore({ path }) });
    for (const gid of gidsOf('g', 20)) await first.server.submit(sagaRequest(gid));
    await settled();
    await first.server.close();
    first.clock.jump(2 * HOUR);
    const second = await start({ store: sqliteStore({ path }), clock: first.clock });
    await second.clock.advance(SECOND);
    expect(await second.gids()).toEqual([]);
  });

  it('begins with recover() and ends with close(), which waits for the running batch', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const { server, clock } = makeCoordinator({ store, retentionSeconds: 1 });
    await server.open();
    await clock.advance(HOUR);
    const prune = hold('prune');
    server.recover();
    await clock.advance(SECOND);
    await prune.arrived;
    let isClosed = false;
    const closed = server.close().then(() => {
      isClosed = true;
    });
    await settled();
    expect(isClosed).toBe(false);
    prune.release();
    await closed;
    expect(clock.pending).toBe(0);
  });
});

describe('the file of a SQLite store', () => {
  it('does not grow while transactions come and go', async () => {
    const folder = tempFolder();
    const store = sqliteStore({ path: join(folder, 'dtm.db') });
    const { server, clock, gids } = await start({ store, retentionSeconds: 60, pollIntervalSeconds: 30 });
    const payloads = [JSON.stringify({ text: 'x'.repeat(2000) })];
    const sizes: number[] = [];
    for (let round = 0; round < 12; round++) {
      const submits = gidsOf(`${round}-`, 1500).map((gid) => server.submit(sagaRequest(gid, 1, { payloads })));
      await Promise.all(submits);
      await vi.waitUntil(async () => (await server.all({ status: 'submitted', limit: 1 })).transactions.length === 0);
      await clock.advance(3 * MINUTE);
      expect(await gids()).toEqual([]);
      sizes.push(readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0));
    }
    // SQLite copies the write-ahead log to the file at 32 MiB; the file contains one round and room for another
    const MIB = 1024 * 1024;
    expect(Math.max(...sizes)).toBeLessThan(64 * MIB);
    const file = statSync(join(folder, 'dtm.db')).size;
    expect(file).toBeLessThan(24 * MIB);
    expect(Math.max(...sizes.slice(-4))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, -4)) + 8 * MIB);
  });
});
