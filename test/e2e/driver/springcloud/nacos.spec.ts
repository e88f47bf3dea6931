import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { DtmFailureError, type DtmConnection } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startGoPartner } from '../../../services/go-partner.mjs';
import { startNacos, type NacosServer } from '../../../services/nacos.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { instancesInNacos } from '../instances-in-nacos.js';
import { clientOf, ownCoordinator, registered, startBank, transfer, used } from './spring-world.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('nacos', 'dtm', 'go-partner');

const POLL_OPTIONS = { timeout: 60_000, interval: 100 };

describe.skipIf(!needed.available)(needed.title('the driver of Spring Cloud on Nacos'), () => {
  let nacos: NacosServer;
  let hosts: string;
  beforeAll(async () => {
    nacos = await startNacos();
    hosts = `${nacos.host}:${nacos.port}`;
  });
  afterAll(() => nacos?.stop());

  const driverOf = (): ReturnType<typeof springCloudDriver> => used(springCloudDriver({ nacos: { hosts } }));
  const target = (ServiceName: string, config: object = {}): object => ({
    Addr: hosts,
    Type: 'nacos',
    InstanceConfig: { ServiceName, ...config },
  });
  /** The target of dtm's sample, with the fields that Go needs. */
  const goDtm = async (service: string): Promise<{ url: string; address: string }> => {
    const config = { Enable: true, Healthy: true, Ephemeral: true };
    const ClientConfig = { NotLoadCacheAtStart: true, LogDir: 'log', CacheDir: 'cache' };
    let address = '';
    const dtm = await startDtm({
      env: ({ httpPort }) => {
        address = `127.0.0.1:${httpPort}`;
        return {
          MICRO_SERVICE_DRIVER: 'dtm-driver-springcloud',
          MICRO_SERVICE_TARGET: JSON.stringify({ ...target(service, config), ClientConfig }),
          MICRO_SERVICE_END_POINT: address,
          RETRY_INTERVAL: '10',
        };
      },
    });
    onTestFinished(() => dtm.stop());
    return { url: dtm.url, address };
  };
  /** Go does not find a branch right after its registration: it retries later, and the submit reports a failure. */
  const untilGoFinds = (client: DtmConnection, url: (method: string) => string): Promise<void> =>
    expect.poll(() => client.submit(transfer(url)).then(() => 'done', String), POLL_OPTIONS).toBe('done');

  it.each(['nacos', 'http'])('Go dtm is called where it has registered itself, at %s://dtmService', async (scheme) => {
    const service = freshName('dtmService');
    const { url } = await goDtm(service);
    const client = clientOf(`${scheme}://${service}/api/dtmsvr`, driverOf());
    await expect.poll(() => client.version().catch(String), POLL_OPTIONS).toBe(await clientOf(url).version());
    const { bank } = await startBank();
    const saga = transfer((method) => bank.url(`/${method}`));
    await client.submit(saga);
    expect(bank.lines).toEqual(['POST /TransOut', 'POST /TransIn']);
    expect((await client.query(saga.gid))?.transaction.status).toBe('succeed');
  });

  it('Go dtm calls the services that this driver registers, in their group and cluster', async () => {
    const driver = driverOf();
    const [busi, far] = [freshName('busi'), freshName('far')];
    const [near, other] = [await startBank(), await startBank()];
    await registered(driver, target(busi), near.address);
    await registered(driver, target(far, { GroupName: 'G', ClusterName: 'C' }), other.address);
    const { url } = await goDtm(freshName('dtmService'));
    const client = clientOf(url);

    const nearUrl = (method: string): string => driver.branchUrl!(busi, `/${method}`);
    const farUrl = (method: string): string => driver.branchUrl!(`nacos://${far}?group=G&clusters=C`, `/${method}?a=1`);
    expect(nearUrl('out')).toBe(`nacos://${busi}/out`);
    await untilGoFinds(client, nearUrl);
    expect(near.bank.lines).toContain('POST /TransIn');
    await untilGoFinds(client, farUrl);
    const [call] = other.bank.to('/TransIn');
    expect(call?.query).toMatchObject({ a: '1', group: 'G', clusters: 'C', branch_id: '02', op: 'action' });
    expect(call?.body).toBe('{"amount":30,"userId":2}');
  });

  it('Go dtm calls the remaining instance after another one is deregistered', async () => {
    const driver = driverOf();
    const busi = freshName('busi');
    const [one, other] = [await startBank(), await startBank()];
    const registration = await registered(driver, target(busi), one.address);
    const client = clientOf((await goDtm(freshName('dtmService'))).url);
    const url = (method: string): string => driver.branchUrl!(busi, `/${method}`);
    await untilGoFinds(client, url);
    await registered(driver, target(busi), other.address);
    await registration.close();
    await one.bank.close();
    await untilGoFinds(client, url);
    expect(other.bank.lines).toContain('POST /TransIn');
  });

  it('the coordinator of this package is found by its name and calls a service that Go has registered', async () => {
    const [dtmService, busi] = [freshName('dtmService'), freshName('busi')];
    const partner = await startGoPartner({
      framework: 'nacos-http',
      registry: `nacos://${hosts}`,
      name: busi,
    });
    onTestFinished(() => partner.stop());
    const own = await ownCoordinator(used(springCloudDriver()), target(dtmService));
    const client = clientOf(`http://${dtmService}/api/dtmsvr`, driverOf());
    await expect.poll(() => client.newGid().catch(String), POLL_OPTIONS).not.toContain('Error');
    expect(await clientOf(`http://${own.address}`).newGid()).toMatch(/./);

    const url = (method: string): string => `nacos://${busi}/${method}`;
    const saga = transfer(url);
    await client.submit(saga);
    expect(partner.lines()).toEqual([
      `transfer out 30 cents from 1 gid=${saga.gid} trans_type=saga branch_id=01 op=action`,
      `transfer in 30 cents to 2 gid=${saga.gid} trans_type=saga branch_id=02 op=action`,
    ]);
    await expect(client.submit(transfer(url, undefined, 777))).rejects.toThrow(DtmFailureError);
    expect(partner.lines().at(-1)).toContain('revert transfer out 777 cents from 1');
  });

  it('the coordinator of this package also reads the group as Java writes it', async () => {
    const busi = freshName('busi');
    const { bank, address } = await startBank();
    const driver = driverOf();
    await registered(driver, target(busi, { GroupName: 'G' }), address);
    await expect(driver.http!.resolve(`nacos://${busi}/in?groupName=G`)).resolves.toEqual({ url: `${bank.origin}/in` });
    await expect(driver.http!.resolve(`nacos://${busi}/in`)).rejects.toThrow(`no address for ${busi}`);
  });

  it('the driver writes what Go dtm writes', async () => {
    const [byGo, byUs] = [freshName('dtmService'), freshName('dtmService')];
    const { address } = await goDtm(byGo);
    // enabled, healthy and ephemeral by default
    const registration = await registered(used(springCloudDriver()), target(byUs), address);
    const seen = async (service: string): Promise<string> =>
      JSON.stringify(await instancesInNacos(nacos, service)).replaceAll(service, 'dtmService');
    await expect.poll(() => seen(byUs)).toContain('"weight":10,"healthy":true,"enabled":true,"ephemeral":true');
    await expect.poll(() => seen(byGo)).toBe(await seen(byUs));
    await registration.close();
    await expect.poll(() => instancesInNacos(nacos, byUs)).toEqual([]);
  });

  it('an instance that was deregistered from outside is registered again', async () => {
    const busi = freshName('busi');
    await registered(driverOf(), target(busi), '127.0.0.1:9');
    await expect.poll(() => instancesInNacos(nacos, busi)).toHaveLength(1);
    const query = `serviceName=${busi}&ip=127.0.0.1&port=9&ephemeral=true`;
    await fetch(`${nacos.url}/v1/ns/instance?${query}`, { method: 'DELETE' });
    await expect.poll(() => instancesInNacos(nacos, busi)).toEqual([]);
    await expect.poll(() => instancesInNacos(nacos, busi), POLL_OPTIONS).toMatchObject([{ healthy: true }]);
  });

  it('callers do not notice a restart in which Nacos loses all instances', async () => {
    const busi = freshName('busi');
    const driver = driverOf();
    await registered(driver, target(busi), '127.0.0.1:9');
    const resolve = (): Promise<string> => driver.http!.resolve(`nacos://${busi}/in`).then(({ url }) => url, String);
    await expect.poll(resolve, POLL_OPTIONS).toBe('http://127.0.0.1:9/in');
    const seen = new Set<string>();
    await nacos.kill();
    seen.add(await resolve());
    await nacos.restart();
    await expect
      .poll(async () => {
        seen.add(await resolve());
        return instancesInNacos(nacos, busi);
      }, POLL_OPTIONS)
      .toHaveLength(1);
    expect(seen).toEqual(new Set(['http://127.0.0.1:9/in']));
  });

  it('only instances that are healthy, enabled and have a weight are found', async () => {
    const busi = freshName('busi');
    const driver = driverOf();
    await registered(driver, target(busi, { Enable: false }), '127.0.0.1:1');
    const add = async (port: string, parameters: Record<string, string>): Promise<void> => {
      const query = new URLSearchParams({ serviceName: busi, ip: '127.0.0.1', port, ...parameters });
      const answer = await fetch(`${nacos.url}/v1/ns/instance?${query}`, { method: 'POST' });
      expect(await answer.text()).toBe('ok');
    };
    await add('2', { weight: '0' });
    await add('3', { healthy: 'false' });
    await add('4', { weight: '3' });
    await expect
      .poll(() => driver.http!.resolve(`lb://${busi}/in`).catch(String), POLL_OPTIONS)
      .toMatchObject({
        url: 'http://127.0.0.1:4/in',
      });
    const urls = await Promise.all(Array.from({ length: 50 }, () => driver.http!.resolve(`lb://${busi}/in`)));
    expect(new Set(urls.map(({ url }) => url))).toEqual(new Set(['http://127.0.0.1:4/in']));
  });
});
