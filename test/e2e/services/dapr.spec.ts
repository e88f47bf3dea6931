import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startConsul, type ConsulServer } from '../../services/consul.mjs';
import { startDapr } from '../../services/dapr.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { askJson } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const dapr = requireOrSkip('dapr');
const daprAndConsul = requireOrSkip('dapr', 'consul');

/** Starts an application that echoes the URL of each call; closes it after the test. */
async function startApp(): Promise<number> {
  const app = createServer(({ url }, response) => response.end(url)).listen(0, '127.0.0.1');
  await once(app, 'listening');
  onTestFinished(() => {
    app.close();
    app.closeAllConnections();
  });
  return (app.address() as AddressInfo).port;
}

/** Starts two sidecars and checks that one calls the application of the other by name. */
async function expectNameResolution(consul?: ConsulServer): Promise<void> {
  const names = consul && { consul };
  const appId = `bank-${String(Math.random()).slice(2)}`; // unique, because mDNS reaches the whole network
  const bank = await startDapr({ appId, appPort: await startApp(), ...names });
  onTestFinished(bank.stop);
  const caller = await startDapr({ appId: `${appId}-caller`, ...names });
  onTestFinished(caller.stop);

  const call = (): Promise<unknown> => askJson(`${caller.url}/v1.0/invoke/${appId}/method/out?x=1`, {});
  expect(await call()).toEqual({ status: 200, body: '/out?x=1' });
  await bank.restart();
  expect(await call()).toEqual({ status: 200, body: '/out?x=1' });
}

describe.skipIf(!dapr.available)(dapr.title('Dapr'), () => {
  testLifecycle({
    start: () => startDapr({ appId: 'alone' }),
    ports: ({ httpPort, grpcPort }) => [httpPort, grpcPort],
    ask: async ({ url }) => {
      expect(await askJson(`${url}/v1.0/metadata`)).toMatchObject({ status: 200, body: { id: 'alone' } });
    },
  });

  it('resolves names over mDNS', () => expectNameResolution());
});

describe.skipIf(!daprAndConsul.available)(daprAndConsul.title('Dapr with Consul'), () => {
  it('resolves names in Consul', async () => {
    const consul = await startConsul();
    onTestFinished(consul.stop);
    await expectNameResolution(consul);
  });
});
