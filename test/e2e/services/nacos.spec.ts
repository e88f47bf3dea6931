import { describe, expect, it, onTestFinished } from 'vitest';
import { startNacos } from '../../services/nacos.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { askJson, type Answer } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const nacos = requireOrSkip('nacos');

async function post(url: string, form: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: await response.text() };
}

const BANK = { serviceName: 'bank', ip: '127.0.0.1', port: '9' };

describe.skipIf(!nacos.available)(nacos.title('Nacos'), () => {
  testLifecycle({
    start: () => startNacos(),
    ports: ({ port }) => [port, port + 1000],
    ask: async ({ url }) => {
      expect(await post(`${url}/v1/ns/instance`, BANK)).toEqual({ status: 200, body: 'ok' });
      const hosts = [{ ip: '127.0.0.1', port: 9 }];
      await expect
        .poll(() => askJson(`${url}/v1/ns/instance/list?serviceName=bank`))
        .toMatchObject({ body: { hosts } });
      expect(await askJson(`${url}/v2/ns/instance/list?serviceName=bank`)).toMatchObject({ body: { data: { hosts } } });
    },
  });

  it('requires the user nacos', async () => {
    const { url, stop } = await startNacos({ auth: true });
    onTestFinished(stop);
    const login = (password: string): Promise<Answer> => post(`${url}/v1/auth/login`, { username: 'nacos', password });
    expect(await login('wrong')).toEqual({ status: 403, body: 'user not found!' });
    expect(await post(`${url}/v1/ns/instance`, BANK)).toMatchObject({ status: 403 });
    const { accessToken } = JSON.parse(String((await login('nacos')).body)) as { accessToken: string };
    expect(await post(`${url}/v1/ns/instance?accessToken=${accessToken}`, BANK)).toMatchObject({ status: 200 });
  });
});
