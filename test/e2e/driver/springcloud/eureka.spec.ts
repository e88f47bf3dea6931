import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { putInEureka } from '../../../contracts/driver/put-in-eureka.js';
import { startDtm } from '../../../services/dtm.mjs';
import { startEureka, type EurekaServer } from '../../../services/eureka.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { clientOf, ownCoordinator, registered, startBank, transfer, used } from './spring-world.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('eureka', 'dtm');

const POLL_OPTIONS = { timeout: 60_000, interval: 100 };

describe.skipIf(!needed.available)(needed.title('the driver of Spring Cloud on Eureka'), () => {
  let eureka: EurekaServer;
  beforeAll(async () => {
    eureka = await startEureka();
  });
  afterAll(() => eureka?.stop());

  const driverOf = (): ReturnType<typeof springCloudDriver> =>
    used(springCloudDriver({ eureka: { serviceUrls: [eureka.url], pollSeconds: 1, heartbeatSeconds: 1 } }));
  const target = (ServiceName: string, config: object = {}): object => ({
    Addr: eureka.url,
    Type: 'eureka',
    InstanceConfig: { ServiceName, ...config },
  });
  const shown = async (service: string): Promise<unknown> => {
    const answer = await fetch(`${eureka.url}/apps/${service.toUpperCase()}`, {
      headers: { accept: 'application/json' },
    });
    return answer.status === 404
      ? []
      : ((await answer.json()) as { application: { instance: unknown } }).application.instance;
  };

  it('the coordinator of this package is found by its name and calls a service at eureka://service/path', async () => {
    const [dtmService, busi] = [freshName('dtmService'), freshName('busi')];
    const { bank, address } = await startBank();
    await registered(driverOf(), target(busi), address);
    const own = await ownCoordinator(driverOf(), target(dtmService));
    for (const url of [`eureka://${dtmService}/api/dtmsvr`, `http://${dtmService}`]) {
      const client = clientOf(url, driverOf());
      await expect
        .poll(() => client.version().catch(String), POLL_OPTIONS)
        .toBe(await clientOf(`http://${own.address}`).version());
      bank.requests.length = 0;
      const saga = transfer((method) => `eureka://${busi}/${method}`);
      // the coordinator retries until it finds the branch
      await expect
        .poll(() => client.submit({ ...saga, gid: freshName('g') }).then(() => 'done', String), POLL_OPTIONS)
        .toBe('done');
      expect(bank.lines).toContain('POST /TransIn');
    }
  });

  it('registers with a user that an open Eureka does not need', async () => {
    const service = freshName('open');
    const ClientConfig = { UserName: 'eureka', Password: 'secret' };
    await registered(used(springCloudDriver()), { ...target(service), ClientConfig }, '127.0.0.1:1');
    expect(await shown(service)).toHaveLength(1);
  });

  it('Go dtm calls a service whose address was looked up before', async () => {
    const busi = freshName('busi');
    const { bank, address } = await startBank();
    const driver = driverOf();
    await registered(driver, target(busi), address);
    const dtm = await startDtm();
    onTestFinished(() => dtm.stop());
    expect(() => driver.branchUrl!(`eureka://${busi}`, '/in')).toThrow(/does not look services up in Eureka/);
    await expect
      .poll(() => driver.http!.resolve(`eureka://${busi}/in`).catch(String), POLL_OPTIONS)
      .toEqual({
        url: `http://${address}/in`,
      });
    const { url } = await driver.http!.resolve(`eureka://${busi}/in`);
    await clientOf(dtm.url).submit({ ...transfer(() => url), gid: freshName('g') });
    expect(bank.lines).toEqual(['POST /in', 'POST /in']);
  });

  it("registers with the fields of Spring's client", async () => {
    const service = freshName('busi');
    const app = service.toUpperCase();
    const registration = await registered(
      used(springCloudDriver()),
      target(service, { Metadata: { zone: 'a' } }),
      '127.0.0.1:8080',
    );
    await expect
      .poll(() => shown(service))
      .toMatchObject([
        {
          instanceId: `127.0.0.1:${service}:8080`,
          hostName: '127.0.0.1',
          app,
          ipAddr: '127.0.0.1',
          status: 'UP',
          overriddenStatus: 'UNKNOWN',
          port: { $: 8080, '@enabled': 'true' },
          securePort: { $: 443, '@enabled': 'false' },
          dataCenterInfo: { name: 'MyOwn' },
          leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
          metadata: { zone: 'a' },
          vipAddress: service,
          secureVipAddress: service,
        },
      ]);
    await registration.close();
    await expect.poll(() => shown(service)).toEqual([]);
  });

  it('an instance that was deregistered from outside is registered again', async () => {
    const service = freshName('busi');
    await registered(driverOf(), target(service), '127.0.0.1:8080');
    await expect.poll(() => shown(service)).toHaveLength(1);
    const path = `${service.toUpperCase()}/${encodeURIComponent(`127.0.0.1:${service}:8080`)}`;
    expect((await fetch(`${eureka.url}/apps/${path}`, { method: 'DELETE' })).status).toBe(200);
    await expect.poll(() => shown(service), POLL_OPTIONS).toMatchObject([{ status: 'UP' }]);
  });

  it('only instances that are up are found, by their virtual host name in any case, and by their secure port', async () => {
    const service = freshName('Busi');
    const driver = driverOf();
    const resolve = (url: string): Promise<unknown> => driver.http!.resolve(url).then((found) => found.url, String);
    await putInEureka(eureka, service, 'down.example', { status: 'STARTING' });
    await putInEureka(eureka, service, 'up.example', {
      vipAddress: `other,${service}`,
      securePort: { $: 8443, '@enabled': 'true' },
    });
    await expect
      .poll(() => resolve(`lb://${service.toUpperCase()}/in`), POLL_OPTIONS)
      .toBe('https://up.example:8443/in');
    // an existing watch receives the changes
    await putInEureka(eureka, service, 'up.example', { status: 'DOWN' });
    await expect.poll(() => resolve(`lb://${service}/in`), POLL_OPTIONS).toContain('no healthy instance is registered');
    await putInEureka(eureka, service, 'down.example', { status: 'UP' });
    await expect.poll(() => resolve(`lb://${service}/in`), POLL_OPTIONS).toBe('http://down.example:1/in');
  });
});
