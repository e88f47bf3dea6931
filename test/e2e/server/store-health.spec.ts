import type { ClientReadableStream } from '@grpc/grpc-js';
import { DtmStoreError } from 'nestjs-dtm/protocol';
import { memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { HEALTH_PROTO } from '../../../lib/server/api/grpc/health-service.js';
import { GrpcClient } from '../../support/grpc-client.js';
import { startGrpcCoordinator } from '../../support/grpc-coordinator.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { get, post } from '../../support/http-client.js';
import { interceptStore, type StoreOperation } from '../../support/intercepted-store.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const PONG = '200 {"msg":"pong"}';
const CANNOT_WRITE = '503 {"message":"the store cannot write; the log of the coordinator has the reason"}';

/** A coordinator whose store fails at operations that a test chooses, or does not answer them. */
async function start() {
  const failures = new Map<StoreOperation, Promise<never>>();
  const calls: StoreOperation[] = [];
  const store = interceptStore(memoryStore(), async (operation, call) => {
    calls.push(operation);
    await failures.get(operation);
    return call();
  });
  const dtm = await startGrpcCoordinator({ store });
  const { origin } = new URL(dtm.base);
  const methods = definitionOf(HEALTH_PROTO, 'Health');
  const health = new GrpcClient(dtm.address, methods);
  return {
    ...dtm,
    calls,
    fail(...operations: StoreOperation[]) {
      const failure = Promise.reject(new DtmStoreError('/secret/dtm.db: the disk is full'));
      failure.catch(() => undefined);
      for (const operation of operations) failures.set(operation, failure);
    },
    hang: () => failures.set('assertWritable', new Promise<never>(() => undefined)),
    mend: () => failures.clear(),
    async ping(send: (url: string, body: unknown) => ReturnType<typeof get> = get): Promise<string> {
      const { status, body } = await send(`${origin}/api/ping`, '');
      return `${status} ${body}`;
    },
    check: async () => (await health.call('Check', { service: '' })).reply,
    watch() {
      const { path, requestSerialize, responseDeserialize } = methods['Watch']!;
      const request = { service: 'dtmgimp.Dtm' };
      const stream = health.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
      const statuses: string[] = [];
      stream.on('error', () => undefined);
      (stream as ClientReadableStream<{ status: string }>).on('data', ({ status }) => statuses.push(status));
      return statuses;
    },
    async gauge(): Promise<string | undefined> {
      const { body } = await get(`${origin}/api/metrics`);
      return /^dtm_server_store_writable (\d)$/m.exec(body)?.[1];
    },
  };
}

describe('a store that cannot write', () => {
  it('is reported to probes without the reason, logged, and reported when it can write again', async () => {
    const dtm = await start();
    expect([await dtm.ping(), await dtm.ping(post), await dtm.check(), await dtm.gauge()]).toEqual([
      PONG,
      PONG,
      { status: 'SERVING' },
      '1',
    ]);
    dtm.fail('assertWritable');
    await dtm.clock.advance(1000);
    expect([await dtm.ping(), await dtm.ping(post), await dtm.check(), await dtm.gauge()]).toEqual([
      CANNOT_WRITE,
      CANNOT_WRITE,
      { status: 'NOT_SERVING' },
      '0',
    ]);
    const logged = dtm.logger.lines.filter(({ message }) => message.startsWith('the store'));
    expect(logged).toEqual([
      {
        level: 'error',
        message: 'the store cannot write',
        fields: { store: dtm.store.name, error: '/secret/dtm.db: the disk is full' },
      },
    ]);
    dtm.mend();
    await dtm.clock.advance(1000);
    expect([await dtm.ping(), await dtm.check(), await dtm.gauge()]).toEqual([PONG, { status: 'SERVING' }, '1']);
    expect(dtm.logger.of('info')).toContain('the store can write again');
  });

  it('costs one write a second, however many probes there are', async () => {
    const dtm = await start();
    const writes = (): number => dtm.calls.filter((operation) => operation === 'assertWritable').length;
    await Promise.all(Array.from({ length: 20 }, () => dtm.ping()));
    await dtm.check();
    expect(writes()).toBe(1);
    await dtm.clock.advance(1000);
    await Promise.all([dtm.ping(), dtm.check()]);
    expect(writes()).toBe(2);
  });

  it('is told to those who watch as soon as polling finds it', async () => {
    const dtm = await start();
    const statuses = dtm.watch();
    await waitUntil(() => statuses.length === 1);
    dtm.fail('claim', 'assertWritable');
    await dtm.clock.advance(5000);
    await waitUntil(() => statuses.length === 2);
    dtm.mend();
    await dtm.clock.advance(5000);
    await waitUntil(() => statuses.length === 3);
    expect(statuses).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
  });

  it('is not waited for', async () => {
    const dtm = await start();
    dtm.hang();
    const answer = dtm.ping();
    await waitUntil(() => dtm.calls.includes('assertWritable'));
    await dtm.clock.advance(800);
    expect(await answer).toBe(CANNOT_WRITE);
  });
});
