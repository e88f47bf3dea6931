import { describe, expect, it, onTestFinished } from 'vitest';
import { EurekaApps } from '../../../lib/driver/support/registry/eureka/eureka-apps.js';
import { EurekaRegistry } from '../../../lib/driver/support/registry/eureka/eureka-registry.js';
import { parseEurekaUrls, type EurekaOptions } from '../../../lib/driver/support/registry/eureka/eureka-options.js';
import { Participant } from '../../support/participant.js';

const BANK = { service: 'bank', address: { host: '10.0.0.1', port: 80 } };

function instance(id: string, change: object = {}): object {
  return {
    instanceId: id,
    app: 'BANK',
    hostName: `${id}.example`,
    status: 'UP',
    port: { $: 80, '@enabled': 'true' },
    securePort: { $: 443, '@enabled': 'false' },
    vipAddress: 'bank',
    ...change,
  };
}

function answer(instances: object, hash?: string): object {
  return {
    applications: { versions__delta: '1', apps__hashcode: hash, application: [{ name: 'BANK', instance: instances }] },
  };
}

const hosts = (apps: EurekaApps, service = 'bank'): string[] =>
  apps.listInstances(service).map(({ address }) => address.host);

describe('a snapshot of Eureka', () => {
  it('follows deltas as long as the count of instances agrees', () => {
    const apps = new EurekaApps();
    apps.replace(answer([instance('a'), instance('b'), instance('c', { status: 'DOWN' })]));
    expect(hosts(apps)).toEqual(['a.example', 'b.example']);
    const added = instance('d', { actionType: 'ADDED' });
    expect(apps.apply(answer([added], 'DOWN_1_UP_3_'))).toBe(true);
    const changes = [
      added,
      instance('a', { actionType: 'DELETED' }),
      instance('c', { actionType: 'MODIFIED', status: 'UP' }),
    ];
    expect(apps.apply(answer(changes, 'UP_3_'))).toBe(true);
    expect(hosts(apps)).toEqual(['b.example', 'c.example', 'd.example']);
    // a delta that is applied twice
    expect(apps.apply(answer(changes, 'UP_3_'))).toBe(true);
    // a missed change
    expect(apps.apply(answer([], 'UP_4_'))).toBe(false);
    expect(apps.apply(answer([], 'OUT_OF_SERVICE_1_UP_2_'))).toBe(false);
  });

  it('may have a single element in place of a list', () => {
    const apps = new EurekaApps();
    apps.replace({ applications: { application: { name: 'BANK', instance: instance('a') } } });
    expect(hosts(apps)).toEqual(['a.example']);
    apps.replace({ applications: {} });
    expect(hosts(apps)).toEqual([]);
  });

  it('finds instances by their virtual host names, in any case', () => {
    const apps = new EurekaApps();
    apps.replace(
      answer([
        instance('a', { vipAddress: 'x,Bank' }),
        instance('b', { vipAddress: undefined, secureVipAddress: 'BANK' }),
        instance('c', { vipAddress: 'bank2' }),
      ]),
    );
    expect(hosts(apps, 'baNK')).toEqual(['a.example', 'b.example']);
    expect(hosts(apps, 'x')).toEqual(['a.example']);
    expect(hosts(apps, 'ban')).toEqual([]);
  });

  it.each([
    [{ securePort: { $: 8443, '@enabled': 'true' } }, { host: 'a.example', port: 8443, secure: true }],
    [{ port: { $: '81', '@enabled': true } }, { host: 'a.example', port: 81 }],
    [{ port: { $: 81, '@enabled': 'false' } }, undefined],
    [{ port: { $: 99_999, '@enabled': 'true' } }, undefined],
    [{ port: 'nonsense' }, undefined],
    [{ hostName: 'not an address' }, undefined],
    [{ hostName: undefined }, undefined],
    [{ status: 'OUT_OF_SERVICE' }, undefined],
    [{ status: undefined }, undefined],
  ])('has an instance with %j at %j', (change, address) => {
    const apps = new EurekaApps();
    apps.replace(answer([instance('a', change), null as unknown as object, 'nonsense' as unknown as object]));
    expect(apps.listInstances('bank')).toEqual(address ? [{ address }] : []);
  });

  it.each([undefined, null, 'x', {}, { applications: 5 }])('refuses %j', (other) => {
    expect(() => new EurekaApps().replace(other)).toThrow('the answer is not a list of applications');
  });
});

function registryOf(urls: readonly string[], options: EurekaOptions = {}): EurekaRegistry {
  const members = parseEurekaUrls(urls, options);
  const registry = new EurekaRegistry(members, { pollSeconds: 0.05, heartbeatSeconds: 0.05, ...options });
  onTestFinished(() => registry.close());
  return registry;
}

function watch(registry: EurekaRegistry, service: string): { found: string[]; failed: string[]; stop(): void } {
  const seen = { found: [] as string[], failed: [] as string[], stop: (): void => undefined };
  seen.stop = registry.watch(service, {
    found: (entries) => void seen.found.push(entries.map(({ address }) => address.host).join()),
    failed: (reason) => void seen.failed.push(reason),
  });
  onTestFinished(() => seen.stop());
  return seen;
}

describe('Eureka', () => {
  it('is polled once for all services, and for deltas', async () => {
    const eureka = await Participant.start();
    eureka.answer('/eureka/apps', { body: JSON.stringify(answer([instance('a')])) });
    const delta = answer([instance('b', { vipAddress: 'shop', actionType: 'ADDED' })], 'UP_2_');
    eureka.answer('/eureka/apps/delta', { body: JSON.stringify(delta) });
    const registry = registryOf([eureka.url('/eureka/')]);
    const [bank, shop] = [watch(registry, 'bank'), watch(registry, 'shop')];
    await expect.poll(() => shop.found.at(-1)).toBe('b.example');
    expect(bank.found.at(-1)).toBe('a.example');
    expect(eureka.lines.slice(0, 2)).toEqual(['GET /eureka/apps', 'GET /eureka/apps/delta']);
    expect(eureka.to('/eureka/apps')).toHaveLength(1);
    // a later watch receives the snapshot at once
    expect(watch(registry, 'bank').found).toEqual(['a.example']);
    expect(eureka.requests[0]?.headers.accept).toBe('application/json');
  });

  it('is polled soon for a name that has no instance yet, however long the usual pause is', async () => {
    const eureka = await Participant.start();
    eureka.answer('/apps', { body: JSON.stringify(answer([instance('a')])) });
    const delta = answer([instance('b', { vipAddress: 'shop', actionType: 'ADDED' })], 'UP_2_');
    eureka.answer('/apps/delta', { body: JSON.stringify(delta) });
    const registry = registryOf([eureka.origin], { pollSeconds: 600 });
    const bank = watch(registry, 'bank');
    await expect.poll(() => bank.found).toEqual(['a.example']);
    // during the pause
    const shop = watch(registry, 'shop');
    await expect.poll(() => shop.found, { timeout: 10_000 }).toEqual(['', 'b.example']);
  });

  it('is not polled without a listener', async () => {
    const eureka = await Participant.start();
    eureka.answer('/apps', { body: JSON.stringify(answer([instance('a')])) });
    const registry = registryOf([eureka.origin]);
    const [one, other] = [watch(registry, 'bank'), watch(registry, 'bank')];
    await expect.poll(() => one.found.length).toBeGreaterThan(1);
    one.stop();
    const before = other.found.length;
    await expect.poll(() => other.found.length).toBeGreaterThan(before + 1);
    other.stop();
    other.stop();
    const third = watch(registry, 'bank');
    expect(third.found).toEqual([]);
    await expect.poll(() => third.found[0]).toBe('a.example');
  });

  it.each([
    ['refuses to tell changes', { status: 403 }],
    ['tells changes that do not add up', { body: JSON.stringify(answer([], 'UP_7_')) }],
  ])('is read in full when it %s', async (_, delta) => {
    const eureka = await Participant.start();
    eureka.answer(
      '/apps',
      { body: JSON.stringify(answer([instance('a')])) },
      { body: JSON.stringify(answer([instance('b')])) },
    );
    eureka.answer('/apps/delta', delta);
    const bank = watch(registryOf([eureka.origin]), 'bank');
    await expect.poll(() => bank.found.slice(0, 2)).toEqual(['a.example', 'b.example']);
  });

  it('is retried after a failure, and known instances stay when it has lost them', async () => {
    const eureka = await Participant.start();
    eureka.answer(
      '/apps',
      { status: 500, body: 'no' },
      { body: JSON.stringify(answer([instance('a')])) },
      { body: 'nonsense' },
      { body: JSON.stringify(answer([])) },
    );
    eureka.answer('/apps/delta', { status: 403 });
    const bank = watch(registryOf([eureka.origin]), 'bank');
    await expect.poll(() => bank.found.length).toBeGreaterThan(1);
    expect(bank.failed).toEqual([
      expect.stringMatching(/^eureka at 127\.0\.0\.1:\d+: answered 500: no$/),
      expect.stringContaining('answered 200: nonsense'),
    ]);
    expect(bank.found.slice(0, 2)).toEqual(['a.example', 'a.example']);
  });

  it('receives an instance again when it does not know its heartbeat', async () => {
    const eureka = await Participant.start();
    const path = '/apps/BANK/10.0.0.1%3Abank%3A80';
    eureka.answer('/apps/BANK', { status: 204, body: '' });
    eureka.answer(path, { status: 200 }, { status: 404 }, { status: 200 });
    const registration = await registryOf([eureka.origin]).register(BANK);
    await expect
      .poll(() => eureka.lines.slice(0, 5))
      .toEqual(['POST /apps/BANK', `PUT ${path}`, `PUT ${path}`, 'POST /apps/BANK', `PUT ${path}`]);
    expect(registration.problem).toBeUndefined();
    await registration.close();
    expect(eureka.lines.at(-1)).toBe(`DELETE ${path}`);
  });

  it('may have several servers, each with its password', async () => {
    const [down, up] = [await Participant.start(), await Participant.start()];
    down.answer('/a/apps', { status: 503 });
    up.answer('/b/apps', { body: JSON.stringify(answer([instance('a')])) });
    const url = up.url('/b').replace('//', '//who:p%40ss@');
    const bank = watch(registryOf([down.url('/a'), url], { user: 'other', password: 'secret' }), 'bank');
    await expect.poll(() => bank.found[0]).toBe('a.example');
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    expect(down.requests[0]?.headers.authorization).toBe(basic('other:secret'));
    expect(up.requests[0]?.headers.authorization).toBe(basic('who:p@ss'));
  });

  it.each([[[]], [['eureka:8761']], [['ftp://me:secret@eureka/eureka']], [['http://eureka/eureka?secret=1']]])(
    'refuses the URLs %j',
    (urls) => {
      expect(() => parseEurekaUrls(urls, {})).toThrow(/http:\/\/eureka:8761\/eureka/);
      expect(() => parseEurekaUrls(urls, {})).not.toThrow(/me:secret/);
    },
  );
});
