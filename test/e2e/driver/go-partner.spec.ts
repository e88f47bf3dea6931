import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startConsul } from '../../services/consul.mjs';
import { startDtm } from '../../services/dtm.mjs';
import { startEtcd } from '../../services/etcd.mjs';
import { runGoCaller, runGoInitiator, startGoPartner } from '../../services/go-partner.mjs';
import { startNacos } from '../../services/nacos.mjs';
import { startPolaris } from '../../services/polaris.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';

type PartnerOptions = Parameters<typeof startGoPartner>[0];
type Partner = Awaited<ReturnType<typeof startGoPartner>>;

/*
 * These tests run Go against Go, without a line of this package: they record what the drivers have to match.
 */

const builds = ['go-partner', 'go-partner-new'] as const;

async function partner(options: PartnerOptions): Promise<Partner> {
  const service = await startGoPartner(options);
  onTestFinished(() => service.stop());
  return service;
}

/** The signal by which an orchestrator ends a service. */
async function terminate({ pid }: Partner): Promise<void> {
  process.kill(pid()!, 'SIGTERM');
  await expect.poll(pid).toBeUndefined();
}

/** The saga of DTM's samples, with branches below a URL. */
function branchesBelow(url: string, query = ''): { action: string; compensate: string }[] {
  return ['TransOut', 'TransIn'].map((method) => ({
    action: `${url}/${method}${query}`,
    compensate: `${url}/${method}Revert${query}`,
  }));
}

/** Lines of a bank that has executed the saga of a gid. */
function carriedOut(gid: string | undefined): string[] {
  return [
    `transfer out 30 cents from 1 gid=${gid} trans_type=saga branch_id=01 op=action`,
    `transfer in 30 cents to 2 gid=${gid} trans_type=saga branch_id=02 op=action`,
  ];
}

/** Lines of a bank that has refused the second step of the saga of a gid. */
function takenBack(gid: string | undefined): string[] {
  return [
    `transfer out 777 cents from 1 gid=${gid} trans_type=saga branch_id=01 op=action`,
    `transfer in 777 cents to 2 gid=${gid} trans_type=saga branch_id=02 op=action`,
    `revert transfer in 777 cents to 2 gid=${gid} trans_type=saga branch_id=02 op=compensate`,
    `revert transfer out 777 cents from 1 gid=${gid} trans_type=saga branch_id=01 op=compensate`,
  ];
}

async function goDtm(
  options: NonNullable<Parameters<typeof startDtm>[0]>,
): Promise<Awaited<ReturnType<typeof startDtm>>> {
  const dtm = await startDtm(options);
  onTestFinished(() => dtm.stop());
  return dtm;
}

/** Executes one saga with Go's client, and fails another. */
async function runSagas(busi: Partner, saga: Parameters<typeof runGoInitiator>[0]): Promise<void> {
  const success = await runGoInitiator(saga);
  expect(success.exitCode, success.output).toBe(0);
  expect(busi.lines()).toEqual(carriedOut(success.gid));

  const failure = await runGoInitiator({ ...saga, amount: 777 });
  expect(failure).toMatchObject({ exitCode: 1, output: expect.stringContaining('FAILURE') });
  expect(busi.lines().slice(2)).toEqual(takenBack(failure.gid));
}

const alone = requireOrSkip('go-partner', 'dtm');

it.skipIf(!alone.available)(alone.title('dtm executes the saga of a Go client, without a registry'), async () => {
  const busi = await partner({ framework: 'plain' });
  const { host, grpcPort } = await goDtm({});
  await runSagas(busi, { dtm: `${host}:${grpcPort}`, branches: branchesBelow(`${busi.address}/busi.Busi`) });
});

const onEtcd = requireOrSkip('go-partner', 'go-partner-new', 'etcd', 'dtm');

describe.skipIf(!onEtcd.available)(onEtcd.title('Go partners on etcd'), () => {
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  let registry: string;

  beforeAll(async () => {
    etcd = await startEtcd();
    registry = `etcd://${etcd.host}:${etcd.port}`;
  });
  afterAll(() => etcd?.stop());

  /** Everything below a prefix. */
  async function entries(prefix: string): Promise<Record<string, string>> {
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const decode = (text: string): string => Buffer.from(text, 'base64').toString();
    const body = JSON.stringify({ key: encode(prefix), range_end: encode(`${prefix}\u{7f}`) });
    const response = await fetch(`${etcd.url}/v3/kv/range`, { method: 'POST', body });
    const { kvs = [] } = (await response.json()) as { kvs?: { key: string; value: string }[] };
    return Object.fromEntries(kvs.map(({ key, value }) => [decode(key), decode(value)]));
  }

  it.each(builds)('go-zero writes the address below its key: %s', async (build) => {
    const { address, ...service } = await partner({ framework: 'gozero', registry, build, name: build });
    expect(Object.entries(await entries(`${build}/`))).toEqual([[expect.stringMatching(/\/\d+$/), address]]);

    await terminate({ address, ...service });
    expect(await entries(`${build}/`)).toEqual({});
  });

  it.each(builds)('kratos writes an instance with its endpoints: %s', async (build) => {
    const { address, ...service } = await partner({ framework: 'kratos', registry, build, name: build });
    const [[key, value] = [], ...more] = Object.entries(await entries(`/microservices/${build}/`));
    const instance = JSON.parse(value!) as { id: string };
    expect(instance).toMatchObject({ name: build, endpoints: [`grpc://${address}`] });
    expect([key, ...more]).toEqual([`/microservices/${build}/${instance.id}`]);

    await terminate({ address, ...service });
    expect(await entries(`/microservices/${build}/`)).toEqual({});
  });

  it('ego writes a provider', async () => {
    const { address, ...service } = await partner({ framework: 'ego', registry, name: 'ego-busi' });
    const [[key, value] = []] = Object.entries(await entries('/ego/ego-busi/'));
    expect(key).toBe(`/ego/ego-busi/providers/grpc://${address}`);
    expect(JSON.parse(value!)).toMatchObject({ name: 'ego-busi', scheme: 'grpc', address, enable: true });

    await terminate({ address, ...service });
    expect(await entries('/ego/ego-busi/')).toEqual({});
  });

  it('a killed service stays until its lease ends', async () => {
    const service = await partner({ framework: 'gozero', registry, name: 'mortal' });
    await service.kill();
    expect(Object.values(await entries('mortal/'))).toEqual([service.address]);
    await expect.poll(() => entries('mortal/'), { timeout: 20_000, interval: 200 }).toEqual({});
  });

  for (const framework of ['gozero', 'kratos'] as const) {
    it.each([
      ['go-partner', 'go-partner-new'],
      ['go-partner-new', 'go-partner'],
      ['go-partner-new', 'go-partner-new'],
    ] as const)(`${framework}: %s is found by %s`, async (build, caller) => {
      const name = `${framework}-${build}-${caller}`;
      const service = await partner({ framework, registry, build, name });
      expect(await runGoCaller({ framework, registry, build: caller, name })).toMatchObject({ exitCode: 0 });
      expect(service.lines()).toEqual(['transfer in 30 cents to 2']);
    });
  }

  it.each([
    ['gozero', `dtm-driver-gozero`, (at: string) => `${at}/dtmservice`, (at: string) => `${at}/busi-gozero`, ''],
    ['kratos', `dtm-driver-kratos`, () => 'discovery:///dtmservice', () => 'discovery:///busi-kratos', 'grpc://'],
    ['ego', `dtm-driver-ego`, () => 'etcd:///dtmservice', () => 'etcd:///busi-ego', ''],
  ] as const)('dtm executes the saga of a Go client: %s', async (framework, driver, dtm, service, scheme) => {
    const busi = await partner({ framework, registry, name: `busi-${framework}` });
    const env = ({ grpcPort }: { grpcPort: number }) => ({
      MICRO_SERVICE_DRIVER: driver,
      MICRO_SERVICE_TARGET: `${registry}/dtmservice`,
      MICRO_SERVICE_END_POINT: `${scheme}127.0.0.1:${grpcPort}`,
    });
    const branches = branchesBelow(`${service(registry)}/busi.Busi`);
    await goDtm({ env });
    await runSagas(busi, { driver, dtm: dtm(registry), registry, branches });
  });
});

const onConsul = requireOrSkip('go-partner', 'go-partner-new', 'consul', 'dtm');

describe.skipIf(!onConsul.available)(onConsul.title('Go partners on Consul'), () => {
  let consul: Awaited<ReturnType<typeof startConsul>>;
  let registry: string;

  beforeAll(async () => {
    consul = await startConsul();
    registry = `consul://${consul.host}:${consul.port}`;
  });
  afterAll(() => consul?.stop());

  type Service = { Service: string; ID: string };

  async function services(name: string): Promise<Service[]> {
    const response = await fetch(`${consul.url}/v1/agent/services`);
    const all = Object.values((await response.json()) as Record<string, Service>);
    return all.filter((service) => service.Service === name);
  }

  /** Consul probes the port of kratos within ten seconds, and callers see an instance after its first passed probe. */
  async function untilPassing(name: string): Promise<void> {
    const passing = async (): Promise<unknown> =>
      (await fetch(`${consul.url}/v1/health/service/${name}?passing`)).json();
    await expect.poll(passing, { timeout: 20_000 }).toHaveLength(1);
  }

  it('go-zero registers a service', async () => {
    const { port, ...service } = await partner({ framework: 'gozero', registry, name: 'zero' });
    const ID = `zero-127.0.0.1-${port}`;
    const Meta = { Protocol: 'grpc' };
    expect(await services('zero')).toMatchObject([
      { ID, Address: '127.0.0.1', Port: port, Tags: ['tag', 'rpc'], Meta },
    ]);

    await terminate({ port, ...service });
    expect(await services('zero')).toEqual([]);
  });

  it.each(builds)('kratos registers a service with its endpoints: %s', async (build) => {
    const { port, ...service } = await partner({ framework: 'kratos', registry, build, name: build });
    const grpc = { Address: `grpc://127.0.0.1:${port}`, Port: port };
    expect(await services(build)).toMatchObject([{ Port: port, TaggedAddresses: { grpc } }]);

    await terminate({ port, ...service });
    expect(await services(build)).toEqual([]);
  });

  it.each(builds)('kratos: the new service is found by %s', async (caller) => {
    const name = `for-${caller}`;
    const service = await partner({ framework: 'kratos', registry, build: 'go-partner-new', name });
    await untilPassing(name);
    expect(await runGoCaller({ framework: 'kratos', registry, build: caller, name })).toMatchObject({ exitCode: 0 });
    expect(service.lines()).toEqual(['transfer in 30 cents to 2']);
  });

  it.each([
    ['gozero', (at: string, name: string) => `${at}/${name}`, ''],
    ['kratos', (_: string, name: string) => `discovery:///${name}`, 'grpc://'],
  ] as const)('dtm executes the saga of a Go client: %s', async (framework, urlOf, scheme) => {
    const driver = `dtm-driver-${framework}`;
    const [dtm, name] = [`dtm-${framework}`, `busi-${framework}`];
    const busi = await partner({ framework, registry, name });
    const env = ({ grpcPort }: { grpcPort: number }) => ({
      MICRO_SERVICE_DRIVER: driver,
      MICRO_SERVICE_TARGET: `${registry}/${dtm}`,
      MICRO_SERVICE_END_POINT: `${scheme}127.0.0.1:${grpcPort}`,
    });
    const branches = branchesBelow(`${urlOf(registry, name)}/busi.Busi`);
    await goDtm({ env });
    await Promise.all([dtm, name].map(untilPassing));
    await runSagas(busi, { driver, dtm: urlOf(registry, dtm), registry, branches });
  });
});

const onNacos = requireOrSkip('go-partner', 'nacos', 'dtm');

describe.skipIf(!onNacos.available)(onNacos.title('Go partners on Nacos'), () => {
  let nacos: Awaited<ReturnType<typeof startNacos>>;
  let registry: string;

  beforeAll(async () => {
    nacos = await startNacos();
    registry = `nacos://${nacos.host}:${nacos.port}`;
  });
  afterAll(() => nacos?.stop());

  async function instances(serviceName: string): Promise<object[]> {
    const response = await fetch(`${nacos.url}/v1/ns/instance/list?serviceName=${serviceName}`);
    return ((await response.json()) as { hosts: object[] }).hosts;
  }

  it.each(['gozero', 'nacos-http'] as const)('%s registers an ephemeral instance', async (framework) => {
    const { port, ...service } = await partner({ framework, registry, name: framework });
    const instance = { ip: '127.0.0.1', port, healthy: true, enabled: true, ephemeral: true, weight: 1 };
    await expect.poll(() => instances(framework)).toMatchObject([instance]);

    await terminate({ port, ...service });
    await expect.poll(() => instances(framework)).toEqual([]);
  });

  it('dtm executes the saga of a Go client: gozero', async () => {
    const driver = 'dtm-driver-gozero';
    const busi = await partner({ framework: 'gozero', registry, name: 'busi-grpc' });
    const env = ({ grpcPort }: { grpcPort: number }) => ({
      MICRO_SERVICE_DRIVER: driver,
      MICRO_SERVICE_TARGET: `${registry}/dtmservice?namespaceId=public&notLoadCacheAtStart=true`,
      MICRO_SERVICE_END_POINT: `127.0.0.1:${grpcPort}`,
    });
    await expect.poll(() => instances('busi-grpc')).toHaveLength(1);
    const branches = branchesBelow(`${registry}/busi-grpc/busi.Busi`);
    await goDtm({ env });
    await runSagas(busi, { driver, dtm: `${registry}/dtmservice`, branches });
  });

  it('dtm executes the saga of a Go client over HTTP: Spring Cloud', async () => {
    const busi = await partner({ framework: 'nacos-http', registry, name: 'busi-http' });
    const env = ({ httpPort }: { httpPort: number }) => ({
      MICRO_SERVICE_DRIVER: 'dtm-driver-springcloud',
      MICRO_SERVICE_TARGET: JSON.stringify({
        Addr: `${nacos.host}:${nacos.port}`,
        Type: 'nacos',
        InstanceConfig: { ServiceName: 'dtmService', Enable: true, Healthy: true, Weight: 10, Ephemeral: true },
        ClientConfig: { NotLoadCacheAtStart: true, LogDir: 'log', CacheDir: 'cache' },
      }),
      MICRO_SERVICE_END_POINT: `127.0.0.1:${httpPort}`,
    });
    await expect.poll(() => instances('busi-http')).toHaveLength(1);
    const { url } = await goDtm({ env });
    await runSagas(busi, { dtm: url, branches: branchesBelow('nacos://busi-http') });
  });
});

const onPolaris = requireOrSkip('go-partner', 'polaris', 'dtm');

describe.skipIf(!onPolaris.available)(onPolaris.title('Go partners on Polaris'), () => {
  let polaris: Awaited<ReturnType<typeof startPolaris>>;
  let registry: string;

  beforeAll(async () => {
    polaris = await startPolaris();
    registry = `polaris://${polaris.host}:${polaris.grpcPort}`;
  });
  afterAll(() => polaris?.stop());

  async function instances(service: string): Promise<object[]> {
    const response = await fetch(`${polaris.url}/naming/v1/instances?namespace=default&service=${service}`);
    return ((await response.json()) as { instances: object[] }).instances;
  }

  /** The instances that clients see, after the caches of the server are updated. */
  async function found(service: string): Promise<object[]> {
    const body = JSON.stringify({ type: 'INSTANCE', service: { name: service, namespace: 'default' } });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${polaris.url}/v1/Discover`, { method: 'POST', headers, body });
    return ((await response.json()) as { instances?: object[] }).instances ?? [];
  }

  it('grpc-go-polaris registers an instance, healthy after its first heartbeat', async () => {
    const { port, ...service } = await partner({ framework: 'polaris', registry, name: 'once' });
    await expect.poll(() => instances('once')).toMatchObject([{ host: '127.0.0.1', port, healthy: true }]);

    await terminate({ port, ...service });
    await expect.poll(() => instances('once')).toEqual([]);
  });

  it('dtm executes the saga of a Go client', async () => {
    const driver = 'dtm-driver-polaris';
    const busi = await partner({ framework: 'polaris', registry });
    const env = ({ grpcPort }: { grpcPort: number }) => ({
      MICRO_SERVICE_DRIVER: driver,
      MICRO_SERVICE_TARGET: `polaris://127.0.0.1:${grpcPort}/dtmservice?namespace=default`,
      MICRO_SERVICE_END_POINT: 'token',
    });
    const addresses = [`${polaris.host}:${polaris.grpcPort}`];
    const files = { 'polaris.yaml': JSON.stringify({ global: { serverConnector: { addresses } } }) };
    const options = Buffer.from(JSON.stringify({ Namespace: 'default' })).toString('base64');
    const branches = branchesBelow('polaris://busi/busi.Busi', '?namespace=default');
    await goDtm({ env, files });
    await expect.poll(() => found('dtmservice')).toHaveLength(1);
    await runSagas(busi, { driver, dtm: `polaris://dtmservice/?options=${options}`, registry, branches });
  });
});
