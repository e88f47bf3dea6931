import { egoDriver } from 'nestjs-dtm/driver/ego';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startEtcd, type EtcdServer } from '../../../services/etcd.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { goWorldCases } from '../go-world.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('etcd', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of ego on etcd'), () => {
  let etcd: EtcdServer;
  let registry: string;
  beforeAll(async () => {
    etcd = await startEtcd();
    registry = `etcd://${etcd.host}:${etcd.port}`;
  });
  afterAll(() => etcd?.stop());

  goWorldCases(() => ({
    framework: 'ego',
    registry,
    driver: () => egoDriver({ registry }),
    registration: (service, endpoint) => ({ target: `${registry}/${service}`, endpoint }),
    address: (service) => `etcd:///${service}`,
  }));

  /** Everything below a prefix. */
  async function entries(prefix: string): Promise<{ key: string; value: string; lease: boolean }[]> {
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const decode = (text: string): string => Buffer.from(text, 'base64').toString();
    const body = JSON.stringify({ key: encode(prefix), range_end: encode(`${prefix}\u{7f}`) });
    const answer = await fetch(`${etcd.url}/v3/kv/range`, { method: 'POST', body });
    const { kvs = [] } = (await answer.json()) as { kvs?: { key: string; value: string; lease?: string }[] };
    return kvs.map(({ key, value, lease }) => ({ key: decode(key), value: decode(value), lease: lease !== undefined }));
  }

  it('writes what Go dtm writes, except for the lease', async () => {
    const name = freshName('dtm');
    const endpoint = '127.0.0.1:36790';
    const target = `${registry}/${name}`;
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-ego',
        MICRO_SERVICE_TARGET: target,
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const [go] = await entries(`/ego/${name}/`);

    const registration = await egoDriver().registerService(target, endpoint);
    const [own] = await entries(`/ego/${name}/`);
    // start time and version of ego differ
    const alike = (value: string | undefined): string =>
      value!.replace(/"egoVersion":"[^"]*"/, '').replace(/("startTime":")\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, '$1');
    expect(own?.key).toBe(go?.key);
    expect(own?.value).not.toBe(go?.value);
    expect(alike(own?.value)).toBe(alike(go?.value));
    expect({ go: go?.lease, own: own?.lease }).toEqual({ go: false, own: true });

    await registration.close();
    expect(await entries(`/ego/${name}/`)).toEqual([]);
  });

  it('authenticates at etcd with the password of the target', async () => {
    const closed = await startEtcd({ auth: { user: 'bank', password: 's3cret' } });
    onTestFinished(() => closed.stop());
    const at = `etcd://${closed.host}:${closed.port}/bank`;
    const register = async (target: string): Promise<string | undefined> => {
      const registration = await egoDriver().registerService(target, '127.0.0.1:1');
      onTestFinished(() => registration.close());
      return registration.problem;
    };
    expect(await register(`${at}?userName=bank&password=s3cret`)).toBeUndefined();
    const problem = await register(`${at}?userName=bank&password=wr0ng`);
    expect(problem).toMatch(/\S/);
    expect(problem).not.toContain('wr0ng');
  });
});
