import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startEtcd, type EtcdServer } from '../../../services/etcd.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { goWorldCases } from '../go-world.js';
import { keysInEtcd } from '../keys-in-etcd.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('etcd', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of sponge on etcd'), () => {
  let etcd: EtcdServer;
  let registry: string;
  beforeAll(async () => {
    etcd = await startEtcd();
    registry = `etcd://${etcd.host}:${etcd.port}`;
  });
  afterAll(() => etcd?.stop());

  // entries of kratos and sponge are the same
  goWorldCases(() => ({
    framework: 'kratos',
    goDriver: 'dtm-driver-kratos',
    registry,
    driver: () => spongeDriver({ registry }),
    registration: (service, address) => ({ target: `${registry}/${service}`, endpoint: `grpc://${address}` }),
    address: (service) => `discovery:///${service}`,
  }));

  it('writes what Go dtm writes', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const endpoint = 'grpc://localhost:36790';
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-sponge',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await spongeDriver().registerService(`${registry}/${ours}`, endpoint);
    const seen = async (service: string): Promise<object[]> =>
      (await keysInEtcd(etcd, `/microservices/${service}`)).map(({ key, value, ttl }) => ({
        key: key.replaceAll(service, 'bank'),
        value: value.replaceAll(service, 'bank'),
        ttl,
      }));
    expect(await seen(ours)).toHaveLength(1);
    expect(await seen(ours)).toEqual(await seen(theirs));
    await registration.close();
    expect(await seen(ours)).toEqual([]);
  });
});
