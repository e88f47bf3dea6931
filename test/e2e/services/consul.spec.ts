import { describe, expect, it, onTestFinished } from 'vitest';
import { startConsul, type ConsulServer } from '../../services/consul.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { askJson } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const consul = requireOrSkip('consul');

const HEADERS = { 'x-consul-token': 'secret' };

async function register({ url }: ConsulServer, headers = {}): Promise<number> {
  const body = JSON.stringify({ Name: 'bank', Address: '127.0.0.1', Port: 9 });
  return (await fetch(`${url}/v1/agent/service/register`, { method: 'PUT', body, headers })).status;
}

async function instances({ url }: ConsulServer, headers = {}): Promise<unknown> {
  return (await askJson(`${url}/v1/health/service/bank?passing`, undefined, headers)).body;
}

const BANK = [{ Service: expect.objectContaining({ Service: 'bank', Port: 9 }) }];

describe.skipIf(!consul.available)(consul.title('Consul'), () => {
  testLifecycle({
    start: () => startConsul(),
    ports: ({ port }) => [port],
    ask: async (server) => {
      expect(await register(server)).toBe(200);
      await expect.poll(() => instances(server)).toMatchObject(BANK);
    },
  });

  it('has no registrations after a restart', async () => {
    const server = await startConsul();
    onTestFinished(server.stop);
    await register(server);
    await server.restart();
    expect(await instances(server)).toEqual([]);
  });

  it('requires the token, also after a restart', async () => {
    const server = await startConsul({ token: HEADERS['x-consul-token'] });
    onTestFinished(server.stop);
    await server.restart();
    expect(await register(server)).toBe(403);
    expect(await register(server, HEADERS)).toBe(200);
    await expect.poll(() => instances(server, HEADERS)).toMatchObject(BANK);
    expect(await instances(server)).toEqual([]);
  });
});
