import { request } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEtcd } from '../../services/etcd.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { hasOpenssl, createAuthority } from '../../support/certificates.js';
import { askJson } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const etcd = requireOrSkip('etcd');

const base64 = (value: string): string => Buffer.from(value).toString('base64');
const KEY = { key: base64('key') };
const PAIR = { ...KEY, value: base64('value') };

describe.skipIf(!etcd.available)(etcd.title('etcd'), () => {
  testLifecycle({
    start: () => startEtcd(),
    ports: ({ port }) => [port],
    ask: async ({ url }) => {
      await askJson(`${url}/v3/kv/put`, PAIR);
      expect(await askJson(`${url}/v3/kv/range`, KEY)).toMatchObject({ status: 200, body: { kvs: [PAIR] } });
    },
  });

  it('keeps its data after a crash', async () => {
    const server = await startEtcd();
    onTestFinished(server.stop);
    await askJson(`${server.url}/v3/kv/put`, PAIR);
    await server.kill();
    await server.restart();
    expect(await askJson(`${server.url}/v3/kv/range`, KEY)).toMatchObject({ body: { kvs: [PAIR] } });
  });

  it.each(['root', 'dtm'])('requires the user %s, also after a restart', async (user) => {
    const server = await startEtcd({ auth: { user, password: 'secret' } });
    onTestFinished(server.stop);
    await server.restart();
    expect(await askJson(`${server.url}/v3/kv/range`, KEY)).toMatchObject({
      status: 400,
      body: { message: 'etcdserver: user name is empty' },
    });
    const { body } = await askJson(`${server.url}/v3/auth/authenticate`, { name: user, password: 'secret' });
    const { token } = body as { token: string };
    expect(await askJson(`${server.url}/v3/kv/put`, PAIR, { authorization: token })).toMatchObject({ status: 200 });
  });

  it.skipIf(!hasOpenssl())('serves TLS together with authentication', async () => {
    const authority = createAuthority();
    const tls = authority.sign('IP:127.0.0.1');
    const server = await startEtcd({ tls, auth: { user: 'root', password: 'secret' } });
    onTestFinished(server.stop);
    const sent = request(`${server.url}/v3/auth/authenticate`, { method: 'POST', ca: authority.ca });
    sent.end(JSON.stringify({ name: 'root', password: 'secret' }));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(JSON.parse(await text(response))).toMatchObject({ token: expect.stringMatching(/./) });
  });
});
