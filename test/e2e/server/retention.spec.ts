import { statSync } from 'node:fs';
import { join } from 'node:path';
import { memoryStore, sqliteStore, type Store } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { detailsOf } from '../../contracts/store/records.js';
import { startCoordinator } from '../../support/coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { UNKNOWN } from '../../support/scripted-transport.js';
import { storeAround } from '../../support/store-around.js';
import { tempFolder } from '../../support/temp-folder.js';

vi.setConfig({ testTimeout: 60_000 });

const DAY = 24 * 3600_000;

describe('retention', () => {
  it('keeps finished transactions for a week, and deletes them then', async () => {
    const { server, clock } = await startCoordinator({ pollIntervalSeconds: 3600 });
    await server.submit(sagaRequest('old'));
    await clock.advance(6.9 * DAY);
    await server.submit(sagaRequest('young'));
    expect(await server.query('old')).toBeDefined();
    await clock.advance(0.2 * DAY);
    expect(await server.query('old')).toBeUndefined();
    expect(await server.query('young')).toBeDefined();
  });

  it('never deletes what is not finished', async () => {
    const { server, clock, transport } = await startCoordinator({ retentionSeconds: 60, pollIntervalSeconds: 60 });
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await clock.advance(DAY);
    expect((await server.query('g'))?.transaction.status).toBe('submitted');
  });

  it('goes through many, a batch at a time, and past those that stay', async () => {
    const { server, clock, transport, store } = await startCoordinator({
      retentionSeconds: 60,
      pollIntervalSeconds: 60,
    });
    transport.answer('01 action', UNKNOWN);
    for (let index = 0; index < 250; index++) await server.submit(sagaRequest(`stays${index}`));
    const finished = Array.from({ length: 700 }, (_, index) =>
      store.create(detailsOf(`g${index}`, { status: 'succeed', createTime: clock.now(), updateTime: clock.now() })),
    );
    await Promise.all(finished);
    await clock.advance(10 * 60_000);
    const { transactions } = await server.all({ limit: 1000 });
    expect(transactions).toHaveLength(250);
  });

  it('goes on after the store could not', async () => {
    const inner = memoryStore();
    let isBroken = true;
    const store: Store = storeAround(inner, (operation, call) =>
      isBroken && operation === 'prune' ? Promise.reject(new Error('disk on fire')) : call(),
    );
    const { server, clock, logger } = await startCoordinator({ store, retentionSeconds: 60, pollIntervalSeconds: 60 });
    await server.submit(sagaRequest('g'));
    await clock.advance(5 * 60_000);
    expect(await server.query('g')).toBeDefined();
    expect(logger.of('error')).toContain('finished transactions could not be deleted');
    isBroken = false;
    await clock.advance(5 * 60_000);
    expect(await server.query('g')).toBeUndefined();
  });

  it('keeps the file from growing: room that became free is used again', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = sqliteStore({ path });
    const { clock } = await startCoordinator({ store, retentionSeconds: 60, pollIntervalSeconds: 60 });
    const size = (): number => statSync(path).size + statSync(`${path}-wal`).size;
    for (let round = 0; round < 24; round++) {
      const time = clock.now();
      const payload = 'x'.repeat(2000);
      const details = Array.from({ length: 1000 }, (_, index) => {
        const { transaction, branches } = detailsOf(`r${round}-${index}`, {
          status: 'succeed',
          createTime: time,
          updateTime: time,
        });
        return { transaction, branches: branches.map((branch) => ({ ...branch, payload })) };
      });
      await Promise.all(details.map((one) => store.create(one)));
      await clock.advance(5 * 60_000);
    }
    expect((await store.list({ limit: 10 })).transactions).toEqual([]);
    // some 120 MB were written; the log takes up to 32 of what is there
    expect(size() / 2 ** 20).toBeLessThan(48);
  });
});
