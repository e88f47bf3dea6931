import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConsulEntry } from '../../../lib/driver/support/registry/consul/consul-entry.js';
import type { ConsulOptions } from '../../../lib/driver/support/registry/consul/consul-options.js';
import { ConsulRegistry } from '../../../lib/driver/support/registry/consul/consul-registry.js';
import { hasOpenssl, createAuthority } from '../../support/certificates.js';
import { Participant, type Reply } from '../../support/participant.js';
import { PlainGrpcClient } from '../../support/plain-grpc-client.js';
import { startTlsProxy } from '../../support/tls-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

const REGISTER = '/v1/agent/service/register';

const addressOf = ({ origin }: Participant) => ({ host: '127.0.0.1', port: Number(new URL(origin).port) });

function registryAt(consul: Participant, options?: ConsulOptions): ConsulRegistry {
  const registry = new ConsulRegistry([addressOf(consul)], options);
  onTestFinished(() => registry.close());
  return registry;
}

const service = (id: string, port: unknown = 1): object => ({
  Node: { Address: '10.0.0.1' },
  Service: { ID: id, Service: 'bank', Address: '', Port: port, TaggedAddresses: null },
});

const healthy = (index: number | undefined, ...ids: string[]): Reply => ({
  body: JSON.stringify(ids.map((id) => service(id))),
  headers: index === undefined ? {} : { 'x-consul-index': String(index) },
});

const never = () => new Promise<never>(() => undefined);

/** The reports of a watch: ids, or errors. */
function watching(registry: ConsulRegistry, query = {}): (readonly string[] | string)[] {
  const reports: (readonly string[] | string)[] = [];
  const stop = registry.watch(
    { service: 'bank', ...query },
    {
      found: (entries: readonly ConsulEntry[]) => reports.push(entries.map(({ id }) => id)),
      failed: (reason) => reports.push(reason),
    },
  );
  onTestFinished(stop);
  return reports;
}

describe('a watch of consul', () => {
  it('polls from the last index, and from the start when the index goes backwards or is missing', async () => {
    const consul = await Participant.start();
    consul.answer(
      '/v1/health/service/bank',
      healthy(7, 'a'),
      healthy(9, 'a', 'b'),
      healthy(3, 'b'),
      healthy(undefined),
      never,
    );
    const reports = watching(registryAt(consul));
    await expect.poll(() => consul.requests.length).toBe(5);
    expect(consul.requests.map(({ query }) => query['index'])).toEqual(['0', '7', '9', '0', '0']);
    expect(reports).toEqual([['a'], ['a', 'b'], ['b'], []]);
    expect(consul.requests[0]?.query).toEqual({ passing: '1', wait: '55s', index: '0' });
  });

  it('sends options, and a token outside the URL', async () => {
    const consul = await Participant.start();
    consul.answer('/v1/health/service/bank', never);
    watching(registryAt(consul, { token: 'secret', datacenter: 'dc2', user: 'u', password: 'p' }), {
      withUnhealthy: true,
      parameters: { tag: 'a b' },
    });
    await expect.poll(() => consul.requests.length).toBe(1);
    const [{ query, headers }] = consul.requests as [(typeof consul.requests)[number]];
    expect(query).toEqual({ dc: 'dc2', tag: 'a b', wait: '55s', index: '0' });
    expect(headers).toMatchObject({ 'x-consul-token': 'secret', authorization: `Basic ${btoa('u:p')}` });
  });

  it.each([
    ['no JSON', { body: '<html>' }, /answered 200: <html>/],
    ['no list', { body: '{}' }, /the answer is not a list of services/],
    ['no leader', { status: 500, body: 'No cluster leader' }, /answered 500: No cluster leader/],
  ] as const)('reports an error, and continues: %s', async (_, answer, message) => {
    const consul = await Participant.start();
    consul.answer('/v1/health/service/bank', answer, healthy(1, 'a'), never);
    const reports = watching(registryAt(consul));
    await expect.poll(() => reports).toHaveLength(2);
    expect(reports).toEqual([expect.stringMatching(message), ['a']]);
  });

  it('keeps known instances after an outage, until they have had the time to return', async () => {
    const consul = await Participant.start();
    const away = { status: 500, body: '' };
    consul.answer('/v1/health/service/bank', healthy(5, 'a', 'b'), away, healthy(1, 'b'), healthy(2, 'a', 'b'), never);
    const reports = watching(registryAt(consul));
    await expect.poll(() => consul.requests.length).toBe(5);
    const found = reports.filter((report) => typeof report !== 'string').map((ids) => ids.toSorted());
    expect(found).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    // a long poll would delay the next list
    expect(consul.requests.map(({ query }) => query['index'])).toEqual(['0', '5', '0', '0', '2']);
  });

  it.skipIf(!hasOpenssl())('uses TLS, and another agent when one is down', async () => {
    const [consul, gone] = [await Participant.start(), await Participant.start()];
    consul.answer('/v1/health/service/bank', healthy(1, 'a'), never);
    const authority = createAuthority();
    const options = { ...authority.sign('IP:127.0.0.1'), ALPNProtocols: ['http/1.1'] };
    const address = { host: '127.0.0.1', port: await startTlsProxy(new URL(consul.origin).host, options) };
    const goneAddress = addressOf(gone);
    await gone.close();
    const registry = new ConsulRegistry([goneAddress, address], { tls: { ca: authority.ca } });
    onTestFinished(() => registry.close());
    const reports = watching(registry);
    await expect.poll(() => reports).toEqual([['a']]);
    const distrusting = new ConsulRegistry([address], { tls: {} });
    onTestFinished(() => distrusting.close());
    const problems = watching(distrusting);
    await expect.poll(() => problems[0]).toMatch(/certificate/);
  });

  it('holds fewer long polls than an agent accepts from one address, and polls beyond', async () => {
    const consul = await Participant.start();
    const registry = registryAt(consul);
    const names = Array.from({ length: 101 }, (_, index) => `bank-${index}`);
    for (const name of names) {
      // a long poll is answered at once for the first time, and then after a change; a short poll is always answered
      consul.answer(`/v1/health/service/${name}`, ({ query }) => (query['index'] === '0' ? healthy(7, name) : never()));
    }
    const reports = names.map((name) => watching(registry, { service: name }));
    await expect.poll(() => reports.every(({ length }) => length > 0)).toBe(true);
    await expect.poll(() => consul.requests.filter(({ query }) => query['index'] === '7').length).toBe(100);
    await expect.poll(() => reports.at(-1)?.length).toBe(2);
    expect(consul.requests.filter(({ query }) => query['index'] === '7').length).toBe(100);
    // the long polls, and the few connections of all others
    expect(consul.connections).toBeLessThanOrEqual(116);
  });

  it('parses a malformed service as one without an address', async () => {
    const consul = await Participant.start();
    const entries = [
      null,
      1,
      {},
      service('a', 'x'),
      { Service: { ID: 'b', Port: 1, TaggedAddresses: { grpc: null } } },
    ];
    consul.answer('/v1/health/service/bank', { body: JSON.stringify(entries) }, never);
    const reports = watching(registryAt(consul));
    await expect.poll(() => reports).toEqual([['', '', '', 'a', 'b']]);
  });
});

describe('an instance in consul', () => {
  const drivers = {
    gozero: { driver: goZeroDriver(), endpoint: '10.0.0.1:36790' },
    kratos: { driver: kratosDriver(), endpoint: 'grpc://10.0.0.1:36790,http://10.0.0.1:36789' },
    sponge: { driver: spongeDriver(), endpoint: 'grpc://10.0.0.1:36790' },
  };

  async function registered(name: keyof typeof drivers, consul: Participant): Promise<Record<string, unknown>> {
    const { driver, endpoint } = drivers[name];
    const target = `consul://${new URL(consul.origin).host}/dtmservice`;
    const registration = await driver.registerService(target, endpoint);
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
    const [request] = consul.requests.filter(({ path }) => path === REGISTER);
    return JSON.parse(String(request?.body)) as Record<string, unknown>;
  }

  it('is what go-zero writes', async () => {
    const id = 'dtmservice-10.0.0.1-36790';
    expect(await registered('gozero', await Participant.start())).toEqual({
      ID: id,
      Name: 'dtmservice',
      Tags: ['tag', 'rpc'],
      Meta: { Protocol: 'grpc' },
      Address: '10.0.0.1',
      Port: 36790,
      Checks: [
        { CheckID: id, Name: 'dtmservice', TTL: '20s', Status: 'passing', DeregisterCriticalServiceAfter: '60s' },
      ],
    });
  });

  it('is what kratos writes, except for its id and its first status', async () => {
    const written = await registered('kratos', await Participant.start());
    const id = String(written['ID']);
    const check = { Status: 'passing', DeregisterCriticalServiceAfter: '600s' };
    expect(id).toMatch(/^[\da-f-]{36}$/);
    expect(written).toEqual({
      ID: id,
      Name: 'dtmservice',
      Tags: ['version='],
      Meta: null,
      Address: '10.0.0.1',
      Port: 36790,
      TaggedAddresses: {
        grpc: { Address: 'grpc://10.0.0.1:36790', Port: 36790 },
        http: { Address: 'http://10.0.0.1:36789', Port: 36789 },
      },
      Checks: [
        { TCP: '10.0.0.1:36790', Interval: '10s', Timeout: '5s', ...check },
        { TCP: '10.0.0.1:36789', Interval: '10s', Timeout: '5s', ...check },
        { CheckID: `service:${id}`, TTL: '20s', ...check },
      ],
    });
  });

  it('is what sponge writes', async () => {
    expect(await registered('sponge', await Participant.start())).toEqual({
      ID: 'dtmservice_grpc_10.0.0.1_36790',
      Name: 'dtmservice',
      Tags: ['version='],
      Meta: null,
      Address: '10.0.0.1',
      Port: 36790,
      TaggedAddresses: { grpc: { Address: 'grpc://10.0.0.1:36790', Port: 36790 } },
      Checks: [
        {
          TCP: '10.0.0.1:36790',
          Interval: '20s',
          Timeout: '5s',
          Status: 'passing',
          DeregisterCriticalServiceAfter: '60s',
        },
      ],
    });
  });

  it('is looked up with the token of its target', async () => {
    const consul = await Participant.start();
    consul.answer('/v1/health/service/bank', healthy(1));
    const driver = spongeDriver();
    const target = `consul://${new URL(consul.origin).host}/dtmservice?token=secret`;
    const registration = await driver.registerService(target, 'grpc://10.0.0.1:36790');
    onTestFinished(() => registration.close());
    await driver.registerGrpcResolver();
    void new PlainGrpcClient('discovery:///bank').call('/b.B/In');
    await waitUntil(() => consul.to('/v1/health/service/bank').length > 0);
    await driver.close?.();
    expect(
      consul.requests.map(({ path, search, headers }) => [path, search.includes('secret'), headers['x-consul-token']]),
    ).toEqual(
      expect.arrayContaining([
        [REGISTER, false, 'secret'],
        ['/v1/health/service/bank', false, 'secret'],
      ]),
    );
  });

  it.each([404, 500])(
    'is registered again when its heartbeat is answered with %s, and deregistered at the close',
    async (status) => {
      const consul = await Participant.start();
      const beat = '/v1/agent/check/update/a%20b';
      consul.answer(beat, {}, { status, body: 'unknown check' }, {});
      const problems: (string | undefined)[] = [];
      const registration = await registryAt(consul).register(
        {
          id: 'a b',
          name: 'bank',
          tags: [],
          address: 'h',
          port: 1,
          checks: [{ id: 'a b', ttlSeconds: 20, deregisterAfterSeconds: 60 }],
          heartbeatSeconds: 0.05,
        },
        { report: (problem) => problems.push(problem) },
      );
      await expect.poll(() => consul.requests.filter(({ path }) => path === REGISTER).length).toBeGreaterThan(1);
      await expect.poll(() => problems.at(-1)).toBeUndefined();
      expect(problems.join()).toMatch(
        new RegExp(`a b in consul at .* is no longer registered: answered ${status}: unknown check`),
      );
      consul.answer('/v1/agent/service/deregister/a%20b', { status: 404 });
      await registration.close();
      expect(consul.requests.at(-1)).toMatchObject({ method: 'PUT', path: '/v1/agent/service/deregister/a%20b' });
    },
  );
});
