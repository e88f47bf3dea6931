import { branchUrlOf } from 'nestjs-dtm/driver';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';

const driver = goZeroDriver();

describe('a branch of go-zero', () => {
  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['etcd://h:2379/trans/b.B/In', 'etcd://h:2379/trans', '/b.B/In'],
    ['ETCD://h:2379/trans/b.B/In', 'etcd://h:2379/trans', '/b.B/In'],
    ['etcd://h1:1,h2:2/trans/b.B/In', 'etcd://h1:1,h2:2/trans', '/b.B/In'],
    ['discov://h:2379/trans/b.B/In', 'discov://h:2379/trans', '/b.B/In'],
    ['direct:///a:1,b:2/b.B/In', 'direct:///a:1,b:2', '/b.B/In'],
    ['consul://h:8500/s/b.B/In', 'consul://h:8500/s', '/b.B/In'],
    ['nacos://h:8848/s/b.B/In', 'nacos://h:8848/s', '/b.B/In'],
    // unlike Go, the driver keeps user and query
    ['consul://h:8500/s?wait=14s/b.B/In', 'consul://h:8500/s?wait=14s', '/b.B/In'],
    ['nacos://u:p@h:8848/s?namespaceid=x/b.B/In', 'nacos://u:p@h:8848/s?namespaceid=x', '/b.B/In'],
  ])('%s is called at %s', (url, server, method) => {
    expect(driver.parseServerMethod(url)).toEqual({ server, method });
  });

  it.each([
    'h:9000',
    '',
    '/b.B/In',
    'etcd://h:2379/a/b/b.B/In',
    'etcd://h:2379/trans',
    'etcd://h:2379/',
    'etcd://h:2379',
    'etcd://h:2379/trans?x=1/b.B/In',
    'etcd:///h1:1,h2:2?key=trans/b.B/In',
    'etcd://u:p@h:2379/trans/b.B/In',
    'consul://h:8500/s?wait=14s',
    'consul://h:8500/s?a=b/c/b.B/In',
    'nacos://h:8848/../b.B/In?x',
    'etcd://[x/s/m',
    'h:1//b.B/In',
    'discovery:///busi/b.B/In',
    'polaris://svc/b.B/In?namespace=Test',
  ])('must not be %j', (url) => {
    expect(() => driver.parseServerMethod(url)).toThrow(DtmArgumentError);
  });

  it('has a URL that Go dtm understands', () => {
    expect(branchUrlOf(driver, 'etcd://h:2379/bank', '/b.B/In')).toBe('etcd://h:2379/bank/b.B/In');
    expect(branchUrlOf(driver, 'bank:1', '/b.B/In')).toBe('bank:1/b.B/In');
    expect(branchUrlOf(driver, 'nacos://h:8848/bank', '/b.B/In')).toBe('nacos://h:8848/bank/b.B/In');
  });

  it.each([
    'consul://h:8500/bank?token=secret',
    'nacos://h:8848/bank?namespaceid=x',
    'nacos://user:secret@h:8848/bank',
    'etcd://h:2379/bank?x=y',
  ])('has no URL with parts that Go dtm drops: %s', (service) => {
    expect(() => branchUrlOf(driver, service, '/b.B/In')).toThrow(DtmArgumentError);
    expect(() => branchUrlOf(driver, service, '/b.B/In')).toThrow(/Go dtm ignores the user and the query of a service/);
    expect(() => branchUrlOf(driver, service, '/b.B/In')).not.toThrow(/secret/);
  });

  it.each(['etcd://h:2379/bank/more', 'etcd://h:2379', 'etcd:///h1:1?key=bank', 'discovery:///bank'])(
    'has no URL at %s, where it could not be found',
    (service) => {
      expect(() => branchUrlOf(driver, service, '/b.B/In')).toThrow(DtmArgumentError);
    },
  );
});

describe('two drivers of go-zero in one process', () => {
  it('must have the same options, because gRPC has one table of schemes', async () => {
    await goZeroDriver().registerGrpcResolver();
    await goZeroDriver({ etcd: {} }).registerGrpcResolver();
    const other = goZeroDriver({ etcd: { user: 'bank', password: 'secret' } });
    const refusal = other.registerGrpcResolver() as Promise<void>;
    await expect(refusal).rejects.toThrow(
      /this process already looks etcd:\/\/ up in registries without options, so it cannot use registries with the options #[\da-f]{8};/,
    );
    await expect(refusal).rejects.toThrow(/give the drivers the same registry and options$/);
  });
});

describe('a target of go-zero', () => {
  it.each([
    'etcd://h:2379/dtmservice',
    'etcd://h1:2379,h2:2379/dtmservice?user=u&password=p',
    'discov://h:2379/dtmservice',
    'consul://h:8500/dtmservice',
    'nacos://h:8848/dtmservice?namespaceId=public&timeoutMs=5000&notLoadCacheAtStart=true&logLevel=debug',
  ])('may be %s', (target) => {
    expect(() => driver.prepareService?.(target, 'localhost:36790')).not.toThrow();
  });

  it.each([
    ['', 'localhost:1', /the target cannot be used/],
    ['etcd:///dtmservice', 'localhost:1', /the target has no host; expected etcd:\/\/host:port\/service/],
    ['etcd://h:2379/', 'localhost:1', /the service in the target/],
    ['etcd://h:2379/a/b', 'localhost:1', /the service in the target/],
    ['etcd://h/dtmservice', 'localhost:1', /"h" is not host:port/],
    ['redis://h:1/dtmservice', 'localhost:1', /the target has the scheme "redis"/],
    ['etcd://user:secret@h/dtmservice', 'localhost:1', /"h" is not host:port/],
    ['etcd://h:2379/dtmservice', '', /the endpoint "" is not an address/],
    ['etcd://h:2379/dtmservice', '0.0.0.0:1', /the endpoint "0.0.0.0:1" is not an address that others can call/],
    ['etcd://h:2379/dtmservice', 'grpc://h:1', /the endpoint "grpc:\/\/h:1" is not an address/],
  ])('must not be %j at %j', async (target, endpoint, message) => {
    expect(() => driver.prepareService?.(target, endpoint)).toThrow(DtmConfigError);
    expect(() => driver.prepareService?.(target, endpoint)).toThrow(message);
    expect(() => driver.prepareService?.(target, endpoint)).not.toThrow(/secret/);
    await expect(driver.registerService(target, endpoint)).rejects.toThrow(message);
  });
});
