import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DriverRegistration } from '../../../lib/driver/index.js';
import type { NacosInstance } from '../../../lib/driver/support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../../../lib/driver/support/registry/nacos/nacos-options.js';
import { NacosRegistry } from '../../../lib/driver/support/registry/nacos/nacos-registry.js';
import { hasOpenssl, createAuthority } from '../../support/certificates.js';
import { Participant } from '../../support/participant.js';
import { RecordedNacos } from './recorded-nacos.js';

const BANK: NacosInstance = {
  service: 'bank',
  address: { host: '10.0.0.1', port: 80 },
  weight: 10,
  metadata: { 'preserved.heart.beat.interval': '500' },
};

const METADATA = JSON.stringify(BANK.metadata);

function registryOf(nacos: { address: { host: string; port: number } }, options?: NacosOptions): NacosRegistry {
  const registry = new NacosRegistry([nacos.address], options);
  onTestFinished(() => registry.close());
  return registry;
}

async function register(registry: NacosRegistry, instance = BANK): Promise<DriverRegistration> {
  const registration = await registry.register(instance);
  onTestFinished(() => registration.close().catch(() => undefined));
  return registration;
}

/** Messages of the warnings of this process, until the test ends. */
function recordWarnings(): string[] {
  const messages: string[] = [];
  const record = ({ message }: Error): void => void messages.push(message);
  process.on('warning', record);
  onTestFinished(() => void process.off('warning', record));
  return messages;
}

/** The reports of a watch. */
function watch(registry: NacosRegistry, clusters?: string[]): { found: unknown[]; failed: string[] } {
  const seen = { found: [] as unknown[], failed: [] as string[] };
  const listener = {
    found: (entries: readonly { address: unknown }[]) => void seen.found.push(entries.map(({ address }) => address)),
    failed: (reason: string) => void seen.failed.push(reason),
  };
  onTestFinished(registry.watch({ service: 'bank', group: 'G', clusters }, listener));
  return seen;
}

describe('Nacos by its v1 API', () => {
  it("receives the parameters of Go's SDK", async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    const registration = await register(registryOf(nacos, { namespace: 'n' }), { ...BANK, group: 'G', cluster: 'C' });
    expect(registration.problem).toBeUndefined();
    await expect.poll(() => nacos.lines).toContain('PUT /v1/ns/instance/beat');
    await registration.close();
    const identity = {
      namespaceId: 'n',
      serviceName: 'G@@bank',
      clusterName: 'C',
      ip: '10.0.0.1',
      port: '80',
      ephemeral: 'true',
    };
    expect(nacos.calls[0]).toEqual({
      call: 'POST /v1/ns/instance',
      parameters: { ...identity, groupName: 'G', weight: '10', enable: 'true', healthy: 'true', metadata: METADATA },
    });
    const beat =
      '{"ip":"10.0.0.1","port":80,"weight":10,"serviceName":"G@@bank","cluster":"C",' +
      `"metadata":${METADATA},"scheduled":false}`;
    expect(nacos.calls[1]?.parameters).toEqual({ namespaceId: 'n', serviceName: 'G@@bank', beat });
    expect(nacos.calls.at(-1)).toEqual({ call: 'DELETE /v1/ns/instance', parameters: identity });
  });

  it('receives an instance again that it does not know (20404)', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    const reports: (string | undefined)[] = [];
    const registration = await registryOf(nacos).register(BANK, { report: (problem) => reports.push(problem) });
    onTestFinished(() => registration.close());
    nacos.known.clear();
    await expect.poll(() => [...nacos.known]).toEqual(['10.0.0.1:80']);
    await expect
      .poll(() => reports)
      .toEqual([undefined, expect.stringContaining('is no longer registered'), undefined]);
  });

  it('receives the deregistration after the last beat, because a later beat would register again', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    let answerBeat = (): void => undefined;
    const registration = await register(registryOf(nacos));
    nacos.participant.answer(
      '/nacos/v1/ns/instance/beat',
      () => new Promise((resolve) => (answerBeat = () => resolve({ body: '{"code":10200}' }))),
    );
    await expect.poll(() => nacos.lines.at(-1)).toBe('PUT /v1/ns/instance/beat');
    const closing = registration.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(nacos.lines.at(-1)).toBe('PUT /v1/ns/instance/beat');
    answerBeat();
    await closing;
    expect(nacos.lines.at(-1)).toBe('DELETE /v1/ns/instance');
  });

  it('receives no beats of an instance that is not ephemeral', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    const registration = await register(registryOf(nacos), { ...BANK, ephemeral: false });
    // enough time for a beat
    const other = await register(registryOf(nacos), { ...BANK, address: { host: '10.0.0.2', port: 80 } });
    await expect.poll(() => nacos.lines.filter((line) => line.startsWith('PUT')).length).toBeGreaterThan(1);
    await Promise.all([registration.close(), other.close()]);
    const beats = nacos.calls.flatMap(({ parameters: { beat } }) => beat ?? []);
    expect(beats.filter((beat) => beat.includes('10.0.0.1'))).toEqual([]);
    expect(nacos.calls[0]?.parameters['ephemeral']).toBe('false');
  });

  it('returns instances that are healthy, enabled and have a weight; malformed ones are ignored', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    const good = { ip: '10.0.0.1', port: 80, weight: 2.5, healthy: true, enabled: true };
    nacos.hosts = [
      good,
      { ...good, port: 81, healthy: false },
      { ...good, port: 82, enabled: false },
      { ...good, port: 83, weight: 0 },
      { ...good, port: 99_999 },
      { ...good, ip: 'not an address' },
      { ...good, ip: undefined },
      { ...good, weight: 'heavy' },
      null,
      'nonsense',
    ];
    const { found, failed } = watch(registryOf(nacos), ['A', 'B']);
    await expect.poll(() => found).toEqual([[{ host: '10.0.0.1', port: 80, weight: 2.5 }]]);
    expect(nacos.calls[0]).toEqual({
      call: 'GET /v1/ns/instance/list',
      parameters: { namespaceId: 'public', serviceName: 'G@@bank', clusters: 'A,B', healthyOnly: 'false' },
    });
    expect(failed).toEqual([]);
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['no list', '{"hosts":5}'],
    ['nothing', ''],
  ])('is polled again after the answer %s', async (_, body) => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    nacos.participant.answer('/nacos/v1/ns/instance/list', { body }, { body: '{"hosts":[]}' });
    const { found, failed } = watch(registryOf(nacos));
    await expect.poll(() => found).toEqual([[]]);
    expect(failed).toEqual([expect.stringMatching(/^nacos at 127\.0\.0\.1:\d+: ./)]);
  });

  it('has a grace period after it comes back without instances', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    const list = (...hosts: object[]): { body: string } => ({ body: JSON.stringify({ hosts, cacheMillis: 500 }) });
    nacos.participant.answer(
      '/nacos/v1/ns/instance/list',
      list({ ip: '10.0.0.1', port: 80 }),
      { status: 500 },
      list(),
      list({ ip: '10.0.0.2', port: 80 }),
    );
    const { found } = watch(registryOf(nacos));
    const [one, two] = ['10.0.0.1', '10.0.0.2'].map((host) => ({ host, port: 80, weight: 1 }));
    await expect.poll(() => found.slice(0, 3)).toEqual([[one], [one], [two, one]]);
  });
});

describe('Nacos by its v3 API, as a recorded conversation, because no Nacos 3 can be installed for tests', () => {
  it.each([404, 410])(
    'Nacos 3.2, which answers v1 with %i, receives an instance, its beats and its deregistration',
    async (missing) => {
      const nacos = await RecordedNacos.start({ apis: ['v3'], missing });
      const registration = await register(registryOf(nacos), { ...BANK, group: 'G' });
      expect(registration.problem).toBeUndefined();
      await expect.poll(() => nacos.lines.length).toBeGreaterThan(2);
      nacos.known.clear();
      await expect.poll(() => [...nacos.known]).toEqual(['10.0.0.1:80']);
      await registration.close();
      const identity = {
        namespaceId: 'public',
        groupName: 'G',
        serviceName: 'bank',
        clusterName: 'DEFAULT',
        ip: '10.0.0.1',
        port: '80',
        ephemeral: 'true',
      };
      const all = { ...identity, weight: '10', enabled: 'true', healthy: 'true', metadata: METADATA };
      const [first, ...others] = nacos.calls;
      expect(first?.call).toBe('POST /v1/ns/instance');
      expect(others[0]).toEqual({ call: 'POST /v3/client/ns/instance', parameters: all });
      expect(others[1]).toEqual({
        call: 'POST /v3/client/ns/instance',
        parameters: { ...all, heartBeat: 'true' },
      });
      expect(others.at(-1)).toEqual({ call: 'DELETE /v3/client/ns/instance', parameters: identity });
      // v1 was tried once
      expect(others.every(({ call }) => call.includes('/v3/'))).toBe(true);
    },
  );

  it('finds instances by the API of the option', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1', 'v3'] });
    nacos.hosts = [
      {
        ip: '10.0.0.1',
        port: 80,
        weight: 1,
        healthy: true,
        enabled: true,
        ephemeral: true,
        clusterName: 'A',
        metadata: {},
      },
      { ip: '10.0.0.2', port: 80, weight: 1, healthy: false, enabled: true },
    ];
    const { found } = watch(registryOf(nacos, { api: 'v3' }), ['A', 'B']);
    await expect.poll(() => found).toEqual([[{ host: '10.0.0.1', port: 80, weight: 1 }]]);
    expect(nacos.calls).toEqual([
      {
        call: 'GET /v3/client/ns/instance/list',
        parameters: { namespaceId: 'public', groupName: 'G', serviceName: 'bank', clusterName: 'A,B' },
      },
    ]);
  });

  it('an error in an answer with status 200 is an error', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v3'] });
    const body = '{"code":20002,"message":"parameter validate error","data":null}';
    nacos.participant.answer('/nacos/v3/client/ns/instance', { body });
    const registration = await register(registryOf(nacos));
    expect(registration.problem).toContain('cannot be registered: answered 20002: parameter validate error');
  });

  it('an update from 2 to 3 and back is noticed', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'] });
    await register(registryOf(nacos));
    for (const api of ['v3', 'v1'] as const) {
      nacos.options = { apis: [api], missing: 410 };
      const begin = nacos.lines.length;
      await expect.poll(() => nacos.lines.slice(begin).filter((line) => line.includes(api)).length).toBeGreaterThan(1);
    }
    expect([...nacos.known]).toEqual(['10.0.0.1:80']);
  });

  it('the answer of a server without both APIs is shown', async () => {
    const nacos = await RecordedNacos.start({ apis: [] });
    const registration = await register(registryOf(nacos));
    expect(registration.problem).toContain('answered 404: no such api');
  });
});

describe('another server than Nacos', () => {
  it('is not taken for Nacos, whatever it answers', async () => {
    const other = await Participant.start();
    const port = Number(new URL(other.origin).port);
    const registration = await register(registryOf({ address: { host: '127.0.0.1', port } }, { contextPath: 'x/' }));
    expect(registration.problem).toContain('expected "ok" from Nacos');
    expect(other.lines[0]).toBe('POST /x/v1/ns/instance');
  });
});

describe('a user of Nacos', () => {
  const user = { user: 'nacos', password: 'secret' };

  it.each(['v1', 'v3'] as const)('logs in once, before the first request: %s', async (api) => {
    const nacos = await RecordedNacos.start({ apis: [api], auth: true });
    const registry = registryOf(nacos, { ...user, api });
    await Promise.all([register(registry), register(registry, { ...BANK, service: 'other' })]);
    expect(nacos.lines.filter((line) => line.includes('login'))).toEqual([
      api === 'v1' ? 'POST /v1/auth/login' : 'POST /v3/auth/user/login',
    ]);
    expect([...nacos.known]).toEqual(['10.0.0.1:80']);
  });

  it('finds the API of a server, and its login', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v3'], auth: true });
    const { problem } = await register(registryOf(nacos, user));
    expect(problem).toBeUndefined();
    expect(nacos.lines.slice(0, 4)).toEqual([
      'POST /v1/auth/login',
      'POST /v1/ns/instance',
      'POST /v3/auth/user/login',
      'POST /v3/client/ns/instance',
    ]);
  });

  it('logs in again when the token is refused', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'], auth: true });
    const registration = await register(registryOf(nacos, user));
    nacos.expireTokens();
    await expect.poll(() => nacos.lines.filter((line) => line.includes('login')).length).toBe(2);
    expect(registration.problem).toBeUndefined();
  });

  it('logs in again before the token expires', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'], auth: true, tokenTtl: 0.001 });
    const { problem } = await register(registryOf(nacos, user));
    expect(problem).toBeUndefined();
    await expect.poll(() => nacos.lines.filter((line) => line.includes('login')).length).toBeGreaterThan(1);
    // without a refusal
    expect(nacos.lines.slice(0, 4)).toEqual([
      'POST /v1/auth/login',
      'POST /v1/ns/instance',
      'POST /v1/auth/login',
      'PUT /v1/ns/instance/beat',
    ]);
  });

  it('leaves neither password nor token in URLs and messages', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'], auth: true });
    await register(registryOf(nacos, user));
    const { problem } = await register(registryOf(nacos, { user: 'nacos', password: 'wrong' }));
    expect(problem).toMatch(/answered 403 to the login of "nacos"; check user and password$/);
    expect(problem).not.toContain('wrong');
    expect(nacos.participant.requests.map(({ search }) => search).join()).not.toMatch(/secret|token|wrong/);
  });

  it.each([
    ['refuses', 'nacos', 'wrong', {}],
    ['does not have', 'nacos', 'secret', { withoutLogin: true }],
  ])('is not needed by a Nacos that is open and %s the login', async (_, name, password, options) => {
    const warnings = recordWarnings();
    const nacos = await RecordedNacos.start({ apis: ['v1'], ...options });
    const registry = registryOf(nacos, { user: name, password });
    const { problem } = await register(registry);
    expect(problem).toBeUndefined();
    await expect.poll(() => nacos.lines.filter((line) => line.includes('beat')).length).toBeGreaterThan(1);
    expect(nacos.lines.filter((line) => line.includes('login'))).toEqual(['POST /v1/auth/login']);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^nacos at \S+ answered 40[34] to the login of "nacos", but accepts requests without a login; remove the user/,
      ),
    ]);
    expect(warnings.join()).not.toContain(password);
  });

  it('is logged in as soon as an open Nacos requires it', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'], withoutLogin: true });
    const registration = await register(registryOf(nacos, user));
    expect(registration.problem).toBeUndefined();
    nacos.options = { apis: ['v1'], auth: true };
    await expect.poll(() => nacos.lines.filter((line) => line.includes('login')).length).toBe(2);
    await expect.poll(() => registration.problem).toBeUndefined();
  });

  it('is required when Nacos refuses a request without one', async () => {
    const nacos = await RecordedNacos.start({ apis: ['v1'], auth: true });
    const { problem } = await register(registryOf(nacos));
    expect(problem).toContain('answered 403: token invalid!; give a user and a password');
  });
});

describe('several members of Nacos', () => {
  it.each([
    ['does not answer', undefined],
    ['has not started yet', 503],
  ])('the next one is called when one %s', async (_, status) => {
    const [down, up] = [await Participant.start(), await RecordedNacos.start({ apis: ['v1'] })];
    const port = Number(new URL(down.origin).port);
    if (status === undefined) await down.close();
    else down.answer('/nacos/v1/ns/instance', { status, body: 'server is STARTING now' });
    const registry = new NacosRegistry([{ host: '127.0.0.1', port }, up.address]);
    onTestFinished(() => registry.close());
    const { problem } = await register(registry);
    expect(problem).toBeUndefined();
    expect([...up.known]).toEqual(['10.0.0.1:80']);
  });
});

describe.skipIf(!hasOpenssl())('Nacos behind TLS', () => {
  it('is trusted by the configured authority', async () => {
    const authority = createAuthority();
    const server = createServer(authority.sign('DNS:localhost'), (_, response) => response.end('{"hosts":[]}'));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = { host: 'localhost', port: (server.address() as AddressInfo).port };
    const trusting = watch(registryOf({ address }, { tls: { ca: authority.ca } }));
    await expect.poll(() => trusting.found).toEqual([[]]);
    const other = watch(registryOf({ address }, { tls: {} }));
    await expect.poll(() => other.failed.length).toBeGreaterThan(0);
    expect(other.found).toEqual([]);
  });
});
