import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NacosAddresses } from '../../../../lib/driver/gozero/nacos-addresses.js';
import { startDtm } from '../../../services/dtm.mjs';
import { startNacos, type NacosServer } from '../../../services/nacos.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { firstFound } from '../../../support/first-found.js';
import { GrpcClient } from '../../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { goWorldCases } from '../go-world.js';
import { instancesInNacos } from '../instances-in-nacos.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('nacos', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of go-zero on Nacos'), () => {
  let nacos: NacosServer;
  let registry: string;
  beforeAll(async () => {
    nacos = await startNacos();
    registry = `nacos://${nacos.host}:${nacos.port}`;
  });
  afterAll(() => nacos?.stop());

  goWorldCases(() => ({
    framework: 'gozero',
    registry,
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: `${registry}/${service}?notLoadCacheAtStart=true`, endpoint }),
    address: (service) => `${registry}/${service}`,
  }));

  it('writes what Go dtm writes', async () => {
    const name = (): string => freshName('dtm');
    const [byGo, byUs] = [name(), name()];
    const endpoint = '127.0.0.1:36790';
    const target = (service: string): string => `${registry}/${service}?namespaceId=public&notLoadCacheAtStart=true`;
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-gozero',
        MICRO_SERVICE_TARGET: target(byGo),
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await goZeroDriver().registerService(target(byUs), endpoint);
    const seen = async (service: string): Promise<string> =>
      JSON.stringify(await instancesInNacos(nacos, service)).replaceAll(service, 'dtmservice');
    await expect.poll(() => seen(byGo)).toContain('"ip":"127.0.0.1","port":36790,"weight":1,');
    await expect.poll(() => seen(byUs)).toBe(await seen(byGo));
    await registration.close();
    await expect.poll(() => instancesInNacos(nacos, byUs)).toEqual([]);
  });

  it('finds services of other namespaces, groups and clusters only there', async () => {
    const bank = await GrpcParticipant.start();
    bank.answer('bank.Bank/In', REPLIES.success);
    const driver = goZeroDriver();
    onTestFinished(() => driver.close?.());
    await driver.registerGrpcResolver();
    const service = freshName('bank');
    const target = `${registry}/${service}?namespaceId=test&GroupName=G&ClusterName=C`;
    const registration = await driver.registerService(target, bank.address);
    onTestFinished(() => registration.close());
    const found = (query: string): Promise<string> =>
      new Promise((resolve) => {
        const { client } = new GrpcClient(`${registry}/${service}${query}`);
        const bytes = (value: Buffer): Buffer => value;
        const deadline = Date.now() + 10_000;
        client.makeUnaryRequest('/bank.Bank/In', bytes, bytes, Buffer.alloc(0), { deadline }, (error) =>
          resolve(error?.details ?? 'found'),
        );
      });
    await expect.poll(() => found('?namespaceid=test&GroupName=G&Clusters=C')).toBe('found');
    await expect.poll(() => found('?namespaceid=test&GroupName=G')).toBe('found');
    for (const query of ['', '?namespaceid=test', '?GroupName=G', '?namespaceid=test&GroupName=G&Clusters=D']) {
      expect(await firstFound(new NacosAddresses(), `${registry}/${service}${query}`), query).toEqual([]);
    }
  });
});

describe.skipIf(!needed.available)(needed.title('the driver of go-zero on Nacos with users'), () => {
  let nacos: NacosServer;
  beforeAll(async () => {
    nacos = await startNacos({ auth: true });
  });
  afterAll(() => nacos?.stop());

  const register = (user: string, options = {}): ReturnType<ReturnType<typeof goZeroDriver>['registerService']> =>
    goZeroDriver(options).registerService(`nacos://${user}${nacos.host}:${nacos.port}/bank`, '127.0.0.1:1');

  it.each([
    ['in the target', 'nacos:nacos@', {}],
    ['in the options', '', { nacos: { user: 'nacos', password: 'nacos' } }],
  ])('a user %s can register', async (_, user, options) => {
    const registration = await register(user, options);
    expect(registration.problem).toBeUndefined();
    await registration.close();
  });

  it.each([
    ['nobody', '', /answered 403.*give a user and a password/],
    ['a wrong password', 'nacos:secret@', /the login of "nacos"; check user and password/],
  ])('%s gets the reason of the refusal', async (_, user, message) => {
    const registration = await register(user);
    onTestFinished(() => registration.close());
    expect(registration.problem).toMatch(message);
    expect(registration.problem).not.toContain('secret');
  });
});
