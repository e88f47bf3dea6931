import { join } from 'node:path';
import type { Outcome } from 'nestjs-dtm/protocol';
import { memoryStore, sqliteStore, type DtmDriver } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator, type CoordinatorFixture } from '../../support/coordinator.js';
import { deferred } from '../../support/deferred.js';
import { startGrpcCoordinator } from '../../support/grpc-coordinator.js';
import { requestMessage } from '../../support/grpc-client.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { gatedStore } from '../../support/intercepted-store.js';
import { sagaRequest } from '../../support/requests.js';
import { SUCCESS } from '../../support/scripted-transport.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{}'], wait_result: true };

/** Closes; asserts that the coordinator waits to the end of the drain, and no longer. */
async function expectDrainEnds({ server, clock, logger }: CoordinatorFixture, ...whats: string[]): Promise<void> {
  let isClosed = false;
  const closed = server.close().then(() => (isClosed = true));
  await clock.advance(19_999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  await closed;
  expect(clock.pending).toBe(0);
  expect(logger.of('warn')).toEqual(
    whats.map(
      (what) => `close() did not wait longer than 20 s for ${what}; transactions under way continue at the next start`,
    ),
  );
}

describe('close() waits no longer than the drain for', () => {
  it('a branch call without an end, whose transaction keeps its lease', async () => {
    const dtm = await startCoordinator();
    const held = dtm.transport.hold('01 action');
    await dtm.server.submit(sagaRequest('g', 2, { requestTimeoutSeconds: 600 }));
    await held.arrived;
    await expectDrainEnds(dtm, 'branch calls', 'the last passes');
    const { transaction } = await dtm.find('g');
    expect(transaction.owner).toBeDefined();
    dtm.clock.jump(transaction.nextCronTime - dtm.clock.now());
    const next = await startCoordinator({ store: dtm.store, clock: dtm.clock });
    await settled();
    expect(next.transport.keys).toEqual(['01 action', '02 action']);
  });

  it('a request over HTTP', async () => {
    const dtm = await startHttpCoordinator();
    const held = dtm.transport.hold('01 action');
    const answer = dtm.post('submit', { ...SAGA, gid: 'g' });
    answer.catch(() => undefined);
    await held.arrived;
    await expectDrainEnds(dtm, 'branch calls', 'the last passes');
    await expect(answer).rejects.toThrow();
  });

  it('a call over gRPC', async () => {
    const dtm = await startGrpcCoordinator();
    const held = dtm.transport.hold('01 action');
    const saga = { steps: [{ action: 'b:1/b.B/A' }], payloads: [''], TransOptions: { WaitResult: true } };
    const answer = dtm.answer('Submit', requestMessage('g', 'saga', saga));
    await held.arrived;
    await expectDrainEnds(dtm, 'branch calls', 'the last passes');
    expect(await answer).not.toMatch(/^OK/);
  });

  it('many calls, and logs nothing afterwards', async () => {
    const dtm = await startCoordinator({ store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }) });
    const answer = deferred<Outcome>();
    dtm.transport.answer('01 action', () => answer.promise);
    const gids = Array.from({ length: 100 }, (_, index) => `g${index}`);
    for (const gid of gids) await dtm.server.submit(sagaRequest(gid));
    const waiting = dtm.server.submit(sagaRequest('waits', 1, { waitResult: true })).catch(() => undefined);
    await settled();
    await expectDrainEnds(dtm, 'branch calls', 'the last passes');
    const { length } = dtm.logger.lines;
    answer.resolve(SUCCESS);
    await waiting;
    await settled();
    expect(dtm.logger.lines.slice(length)).toEqual([]);
  });

  it('a store that does not answer', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const dtm = await startCoordinator({ store });
    const write = hold('update');
    await dtm.server.submit(sagaRequest('g'));
    await write.arrived;
    await expectDrainEnds(dtm, 'branch calls', 'the last passes');
    write.release();
  });

  it('a store that does not close', async () => {
    const store = { ...gatedStore(memoryStore()).store, close: () => new Promise<void>(() => undefined) };
    await expectDrainEnds(await startCoordinator({ store }), 'the store');
  });

  it('a registry and a driver that do not answer', async () => {
    const never = (): Promise<void> => new Promise(() => undefined);
    const driver: DtmDriver = {
      name: 'own',
      registerGrpcResolver: () => undefined,
      registerService: async () => ({ close: never }),
      parseServerMethod: () => ({ server: '', method: '' }),
      close: never,
    };
    const register = { target: 'registry://r/dtmservice', endpoint: 'dtm:36790' };
    await expectDrainEnds(await startCoordinator({ driver, register }), 'the registry', 'the driver');
  });
});

describe('shutdownTimeoutSeconds', () => {
  it('sets the longest wait', async () => {
    const { server, transport, clock } = await startCoordinator({ shutdownTimeoutSeconds: 2 });
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await held.arrived;
    const closed = server.close();
    await clock.advance(2000);
    await closed;
  });
});
