import * as grpc from '@grpc/grpc-js';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import type { DtmDriver } from 'nestjs-dtm/driver';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { K8sEndpoints, k8sAddresses } from '../../../../lib/driver/support/registry/k8s/k8s-endpoints.js';
import { hasOpenssl } from '../../../support/certificates.js';
import { GrpcParticipant } from '../../../support/grpc-participant.js';
import { ApiServer } from './api-server.js';

/** The reports in their order. */
function watching(server: ApiServer, service: { namespace?: string; name: string }): string[] {
  const heard: string[] = [];
  const stop = new K8sEndpoints(server).watch(service, {
    found: (entries) =>
      heard.push(
        k8sAddresses(entries)
          .map(({ host, port }) => `${host}:${port}`)
          .join() || 'nobody',
      ),
    failed: (reason) => heard.push(reason),
  });
  onTestFinished(stop);
  return heard;
}

const BANK = { namespace: 'shop', name: 'bank' };

// no real Kubernetes can be installed: the conversations follow its documentation, on a real TLS connection
describe.skipIf(!hasOpenssl())('endpoints of Kubernetes, on a recorded conversation with its API server', () => {
  it('are listed and watched, with the account of the pod', async () => {
    const server = await ApiServer.start();
    server.set('shop/bank', [['10.0.0.1', '10.0.0.2'], 50051]);
    const heard = watching(server, BANK);
    await expect.poll(() => heard).toEqual(['10.0.0.1:50051,10.0.0.2:50051']);
    await expect.poll(() => server.watching).toBe(1);
    const path = '/api/v1/namespaces/shop/endpoints';
    const fieldSelector = 'metadata.name=bank';
    expect(server.asked).toEqual([
      { path, query: { fieldSelector }, token: 'token-1' },
      {
        path,
        query: { fieldSelector, watch: '1', timeoutSeconds: '300', resourceVersion: '1001' },
        token: 'token-1',
      },
    ]);

    server.set('shop/bank', [['10.0.0.1'], 50051], [['10.0.0.3'], 50052]);
    await expect.poll(() => heard.at(-1)).toBe('10.0.0.1:50051,10.0.0.3:50052');
    server.tell('shop/bank', { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1100' } } });
    server.delete('shop/bank');
    await expect.poll(() => heard.at(-1)).toBe('nobody');
    server.set('shop/bank', [['fd00::1'], 50051]);
    await expect.poll(() => heard.at(-1)).toBe('fd00::1:50051');
    expect(heard).toHaveLength(4);
  });

  it('of a service that does not exist are empty, in the namespace of the pod', async () => {
    const server = await ApiServer.start();
    const heard = watching(server, { name: 'bank' });
    await expect.poll(() => heard).toEqual(['nobody']);
    expect(server.asked[0]!.path).toBe('/api/v1/namespaces/own/endpoints');
  });

  it('are listed again when the server has dropped the changes since, with the current token', async () => {
    const server = await ApiServer.start();
    server.set('shop/bank', [['10.0.0.1'], 1]);
    const heard = watching(server, BANK);
    await expect.poll(() => server.watching).toBe(1);
    server.rotate('token-2');
    server.compact('shop/bank');
    await expect.poll(() => heard).toEqual(['10.0.0.1:1', '10.0.0.1:1']);
    await expect.poll(() => server.watching).toBe(1);
    expect(server.asked.map(({ token }) => token)).toEqual(['token-1', 'token-1', 'token-2', 'token-2']);

    server.refusals.push({ of: 'watch', status: 410, message: 'too old resource version' });
    server.endWatches();
    await expect.poll(() => heard.length).toBeGreaterThan(3);
    await expect.poll(() => server.watching).toBe(1);
    server.set('shop/bank', [['10.0.0.2'], 1]);
    await expect.poll(() => heard.at(-1)).toBe('10.0.0.2:1');
  });

  it('are retried while the server is down or refuses, without the token in a message', async () => {
    const server = await ApiServer.start();
    server.set('shop/bank', [['10.0.0.1'], 1]);
    server.refusals.push({ of: 'list', status: 403, message: 'endpoints is forbidden' });
    await server.stop();
    const heard = watching(server, BANK);
    await expect.poll(() => heard[0]).toMatch(/^Kubernetes: .*ECONNREFUSED/);
    await server.listen();
    await expect.poll(() => heard.join('\n')).toMatch(/Kubernetes: answered 403: .*endpoints is forbidden/);
    await expect.poll(() => heard.at(-1)).toBe('10.0.0.1:1');
    expect(heard.join()).not.toContain('token-1');
  });

  it('are not requested in a loop when watching is forbidden', async () => {
    const server = await ApiServer.start();
    const refusal = { of: 'watch', status: 403, message: 'cannot watch' } as const;
    server.refusals.push(...Array.from({ length: 50 }, () => refusal));
    const heard = watching(server, BANK);
    // with a growing back-off
    await expect.poll(() => heard.filter((line) => line.includes('cannot watch')).length).toBe(4);
    expect(server.asked.length).toBeLessThan(12);
  });

  it('are unknown outside a pod', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const heard: string[] = [];
    const listener = { found: () => undefined, failed: (reason: string) => heard.push(reason) };
    onTestFinished(new K8sEndpoints().watch(BANK, listener));
    await expect.poll(() => heard[0]).toContain('KUBERNETES_SERVICE_HOST');
  });

  it('are no longer requested after the last watch', async () => {
    const server = await ApiServer.start();
    const stop = new K8sEndpoints(server).watch(BANK, { found: () => undefined, failed: () => undefined });
    await expect.poll(() => server.watching).toBe(1);
    stop();
    await expect.poll(() => server.watching).toBe(0);
  });
});

async function callable(driver: DtmDriver, target: string): Promise<() => Promise<string>> {
  await driver.registerGrpcResolver();
  onTestFinished(() => driver.close?.());
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  onTestFinished(() => client.close());
  const asItIs = (bytes: Buffer): Buffer => bytes;
  return () =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      client.makeUnaryRequest('/bank.Bank/In', asItIs, asItIs, Buffer.alloc(0), { deadline }, (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      );
    });
}

/** Starts a service that answers with its name. */
async function bank(name: string): Promise<number> {
  const participant = await GrpcParticipant.start();
  participant.answer('bank.Bank/In', { message: Buffer.from(name) });
  return Number(participant.address.split(':')[1]);
}

describe.skipIf(!hasOpenssl())('services in Kubernetes, on a recorded conversation with its API server', () => {
  it('of go-zero are called by name, with and without their port', async () => {
    const server = await ApiServer.start();
    const port = await bank('shop');
    server.set('shop/bank', [['127.0.0.1'], port]);
    const driver = goZeroDriver({ k8s: server });
    await expect((await callable(driver, 'k8s://shop/bank'))()).resolves.toBe('shop');
    await expect((await callable(driver, `k8s://shop/bank:${port}`))()).resolves.toBe('shop');
    // of the namespace default, which has no such service yet
    const early = (await callable(driver, 'k8s:///bank'))();
    await expect.poll(() => server.watching).toBe(3);
    server.set('default/bank', [['127.0.0.1'], port]);
    await expect(early).resolves.toBe('shop');
    expect(driver.parseServerMethod(`k8s://shop/bank:${port}/bank.Bank/In`)).toEqual({
      server: `k8s://shop/bank:${port}`,
      method: '/bank.Bank/In',
    });
  });
});
