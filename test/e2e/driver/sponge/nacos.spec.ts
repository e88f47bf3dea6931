import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startNacos, type NacosServer } from '../../../services/nacos.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { goWorldCases } from '../go-world.js';
import { instancesInNacos } from '../instances-in-nacos.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('nacos', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of sponge on Nacos'), () => {
  let nacos: NacosServer;
  let registry: string;
  beforeAll(async () => {
    nacos = await startNacos();
    registry = `nacos://${nacos.host}:${nacos.port}`;
  });
  afterAll(() => nacos?.stop());

  // sponge takes a service of go-zero for its own when the name has sponge's suffix
  goWorldCases(() => ({
    framework: 'gozero',
    partnerName: (service) => `${service}.grpc`,
    goDriver: 'dtm-driver-gozero',
    goAddress: (service) => `${registry}/${service}.grpc`,
    registry,
    driver: () => spongeDriver({ registry }),
    registration: (service, address) => ({ target: `${registry}/${service}`, endpoint: `grpc://${address}` }),
    address: (service) => `discovery:///${service}.grpc`,
  }));

  it('writes what Go dtm writes', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const endpoint = 'grpc://127.0.0.1:36790';
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-sponge',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await spongeDriver().registerService(`${registry}/${ours}`, endpoint);
    const seen = async (service: string): Promise<object[]> => {
      // Nacos generates an instanceId for a registration over HTTP, which sponge ignores
      const instances = await instancesInNacos(nacos, `${service}.grpc`);
      const text = JSON.stringify(instances.map((instance) => ({ ...instance, instanceId: undefined })));
      return JSON.parse(text.replaceAll(service, 'bank')) as object[];
    };
    await expect.poll(() => seen(theirs)).toMatchObject([{ weight: 100, metadata: { kind: 'grpc', version: '' } }]);
    await expect.poll(() => seen(ours)).toEqual(await seen(theirs));
    await registration.close();
    await expect.poll(() => seen(ours)).toEqual([]);
  });

  it('finds services of another namespace only there', async () => {
    const name = freshName('bank');
    const target = `${registry}/${name}?namespaceID=other`;
    const registration = await spongeDriver().registerService(target, 'grpc://127.0.0.1:1');
    onTestFinished(() => registration.close());
    const query = (namespaceId: string): string =>
      `${nacos.url}/v1/ns/instance/list?${new URLSearchParams({ serviceName: `${name}.grpc`, namespaceId })}`;
    const hosts = async (namespace: string): Promise<object[]> =>
      ((await (await fetch(query(namespace))).json()) as { hosts: object[] }).hosts;
    await expect.poll(() => hosts('other')).toHaveLength(1);
    expect(await hosts('public')).toEqual([]);
  });
});
