import * as grpc from '@grpc/grpc-js';
import { branchUrlOf, type DtmDriver } from 'nestjs-dtm/driver';
import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { Participant } from '../../support/participant.js';
import { PlainGrpcClient } from '../../support/plain-grpc-client.js';

const registry = 'consul://127.0.0.1:1';

const drivers: readonly [string, (options?: { registry?: string }) => DtmDriver, string][] = [
  ['kratos', kratosDriver, 'kratosDriver'],
  ['sponge', spongeDriver, 'spongeDriver'],
];

describe.each(drivers)('the driver of %s', (framework, make, factory) => {
  it('has its name', () => {
    expect(make().name).toBe(`dtm-driver-${framework}`);
  });

  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['discovery:///busi/b.B/In', 'discovery:///busi', '/b.B/In'],
    ['discovery:///busi.grpc/b.B/In', 'discovery:///busi.grpc', '/b.B/In'],
    ['discovery://any/busi/b.B/In', 'discovery://any/busi', '/b.B/In'],
    ['DISCOVERY:///busi/b.B/In', 'discovery:///busi', '/b.B/In'],
  ])('calls %s', (uri, server, method) => {
    expect(make({ registry }).parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each([
    ['h:9000', /no '\/' found/],
    ['', /no '\/' found/],
    ['/b.B/In', /as host:port/],
    ['h:1//b.B/In', /as host:port/],
    // a Go dtm with this driver cannot resolve these
    ['etcd://h:2379/trans/b.B/In', /dtm-driver-gozero/],
    ['consul://h:8500/s/b.B/In', /dtm-driver-gozero/],
    ['polaris://svc/b.B/In', /dtm-driver-polaris/],
    ['discovery:///a/b/b.B/In', /discovery:\/\/\/service\/pkg.Service\/Method/],
    ['discovery:///trans', /three parts/],
    ['discovery://', /three parts/],
    ['discovery:///busi?x=1/b.B/In', /drops everything after '\?'/],
    ['discovery:///b%75si/b.B/In', /drops everything after '\?'/],
    ['discovery://[x/s/m', /./],
  ])('refuses %j', (uri, message) => {
    expect(() => make({ registry }).parseServerMethod(uri)).toThrow(DtmArgumentError);
    expect(() => make({ registry }).parseServerMethod(uri)).toThrow(message);
  });

  it('builds branch URLs that Go understands, without a registry', () => {
    expect(branchUrlOf(make(), 'discovery:///bank', '/b.B/In')).toBe('discovery:///bank/b.B/In');
    expect(() => branchUrlOf(make(), 'discovery:///bank?x=1', '/b.B/In')).toThrow(DtmArgumentError);
    expect(() => branchUrlOf(make(), 'etcd://h:1/bank', '/b.B/In')).toThrow(DtmArgumentError);
  });

  it('refuses lookups without a registry, with the remedy', () => {
    const driver = make();
    const call = (): unknown => driver.parseServerMethod('discovery:///busi/b.B/In');
    expect(call).toThrow(DtmArgumentError);
    expect(call).toThrow(`create it with ${factory}({ registry: 'etcd://host:port' })`);
    expect(driver.parseServerMethod('h:1/b.B/In')).toEqual({ server: 'h:1', method: '/b.B/In' });
    driver.prepareService?.('etcd://h:2379/dtmservice', 'grpc://h:1');
    expect(call()).toEqual({ server: 'discovery:///busi', method: '/b.B/In' });
  });

  it.each(['etcd://h:2379', 'etcd://h1:1,h2:2', 'etcd://h', 'consul://h:8500', 'consul://user:secret@h:8500?token=t'])(
    'takes the registry %s',
    (url) => {
      expect(() => make({ registry: url })).not.toThrow();
    },
  );

  it.each([
    ['redis://h:1', /the scheme "redis"/],
    ['constructor://h:1', /the scheme "constructor"/],
    ['etcd://h:2379/dtmservice', /the URL of the registry has a path/],
    ['etcd://', /has no host/],
    ['etcd://user:secret@h:70000', /is not host:port/],
    ['nonsense', /./],
  ])('refuses the registry %s', (url, message) => {
    const made = (): unknown => make({ registry: url });
    expect(made).toThrow(DtmConfigError);
    expect(made).toThrow(message);
    expect(made).not.toThrow(/secret/);
  });

  it.each([
    'etcd://h:2379/dtmservice',
    'etcd://h1:2379,h2:2379/dtmservice',
    'consul://h:8500/dtmservice',
    ...(framework === 'kratos' ? ['discovery://h:2379/dtmservice'] : []),
    ...(framework === 'sponge' ? ['nacos://h:8848/dtmservice?namespaceID=x', 'etcd://h:2379'] : []),
  ])('takes the target %s', (target) => {
    expect(() => make().prepareService?.(target, 'grpc://localhost:36790')).not.toThrow();
  });

  it.each([
    ['', 'grpc://h:1', /./],
    ['redis://h:1/dtmservice', 'grpc://h:1', /the scheme "redis"/],
    ['etcd:///dtmservice', 'grpc://h:1', /has no host/],
    ['etcd://h:2379/', 'grpc://h:1', /the service in the target/],
    ['etcd://h:2379/a/b', 'grpc://h:1', /the service in the target/],
    ['etcd://h:2379/dtmservice', '', /expected grpc:\/\/host:port/],
    ['etcd://h:2379/dtmservice', 'h:1', /expected grpc:\/\/host:port/],
    ['etcd://h:2379/dtmservice', 'grpcs://h:1', /expected grpc:\/\/host:port/],
    ['etcd://h:2379/dtmservice', 'grpc://h:1?isSecure=true', /expected grpc:\/\/host:port/],
    ['etcd://h:2379/dtmservice', 'grpc://0.0.0.0:1', /not an address that others can call/],
    ['etcd://h:2379/dtmservice', 'grpc://h', /not an address that others can call/],
    ['etcd://user:secret@h:2379/a/b', 'grpc://h:1', /./],
  ])('refuses the target %j at %j', async (target, endpoint, message) => {
    const driver = make();
    expect(() => driver.prepareService?.(target, endpoint)).toThrow(DtmConfigError);
    expect(() => driver.prepareService?.(target, endpoint)).toThrow(message);
    expect(() => driver.prepareService?.(target, endpoint)).not.toThrow(/secret/);
    await expect(driver.registerService(target, endpoint)).rejects.toThrow(message);
  });
});

describe('fixed addresses', () => {
  it('are known to kratos, and not to sponge', () => {
    const url = 'direct:///a:1,b:2/b.B/In';
    expect(kratosDriver().parseServerMethod(url)).toEqual({ server: 'direct:///a:1,b:2', method: '/b.B/In' });
    expect(() => spongeDriver().parseServerMethod(url)).toThrow(/dtm-driver-kratos/);
  });
});

describe('endpoints of an instance', () => {
  it('are several with kratos, and one with sponge', () => {
    const endpoint = 'grpc://h:1,http://h:2';
    expect(() => kratosDriver().prepareService?.('etcd://h:1/dtm', endpoint)).not.toThrow();
    expect(() => spongeDriver().prepareService?.('etcd://h:1/dtm', endpoint)).toThrow(/has 2 URLs/);
  });
});

// in this order, because gRPC has one table of schemes for the process
describe('discovery:///service in a process', () => {
  it('can be called after the first driver has named a registry; later drivers must name the same', async () => {
    const [bank, consul] = [await GrpcParticipant.start(), await Participant.start()];
    bank.answer('b.B/In', REPLIES.success);
    const tagged = (urls: object): object => ({
      Node: {},
      Service: { ID: 'x', Service: 'bank', TaggedAddresses: urls },
    });
    const url = (text: string): object => ({ Address: text, Port: 1 });
    const body = JSON.stringify([
      tagged({ grpc: url(`grpc://${bank.address}`), http: url('http://127.0.0.1:1'), lan_ipv4: url('grpc://h:1') }),
      tagged({ grpc: url(`grpc://${bank.address}?isSecure=false`) }),
      tagged({ grpc: url('grpc://127.0.0.1:1?isSecure=true') }),
      tagged({ grpcs: url('grpcs://127.0.0.1:1') }),
      tagged({}),
      { Node: {}, Service: { ID: 'y', Service: 'other', TaggedAddresses: { grpc: url('grpc://127.0.0.1:1') } } },
    ]);
    consul.answer('/v1/health/service/bank', { body }, () => new Promise(() => undefined));

    const unknowing = kratosDriver();
    await unknowing.registerGrpcResolver();
    const make = (): unknown => new grpc.Client('discovery:///bank', grpc.credentials.createInsecure());
    expect(make).toThrow("create it with kratosDriver({ registry: 'etcd://host:port' })");

    const driver = kratosDriver({ registry: consul.origin.replace('http', 'consul') });
    onTestFinished(() => driver.close?.());
    await driver.registerGrpcResolver();
    await unknowing.registerGrpcResolver();
    for (let call = 0; call < 4; call++) {
      expect(await new PlainGrpcClient('discovery://any/bank').call('/b.B/In')).toBe('OK');
    }
    expect(() => new PlainGrpcClient('discovery:///a b')).toThrow(DtmArgumentError);
    await driver.close?.();
  });

  it('is looked up in one registry, by one driver', async () => {
    await expect(kratosDriver({ registry }).registerGrpcResolver()).rejects.toThrow(
      /this process already looks discovery:\/\/ up in consul:\/\/127\.0\.0\.1:\d+, so it cannot use /,
    );
    await expect(spongeDriver({ registry }).registerGrpcResolver()).rejects.toThrow(
      /already uses dtm-driver-kratos for discovery:/,
    );
  });
});
