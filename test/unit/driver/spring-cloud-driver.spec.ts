import { DriverRegistry } from 'nestjs-dtm/driver';
import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../lib/driver/springcloud/spring-target.js';

const driver = springCloudDriver({ nacos: { hosts: 'nacos:8848' } });
const onEureka = springCloudDriver({ eureka: { serviceUrls: ['http://eureka:8761/eureka'] } });
const http = driver.http!;
const ADDRESS = { host: 'bank', port: 80 };

describe('URLs with the name of a service', () => {
  it.each([
    'nacos://busi/out',
    'lb://busi/out',
    'eureka://busi',
    'x://busi/out?a=b',
    'NACOS://busi/out',
    'nacos://busi:80/out',
  ])('of a branch: %s', (url) => {
    expect(http.isNamed(url, 'branch')).toBe(true);
    expect(http.isNamed(url, 'coordinator')).toBe(true);
  });

  it.each(['http://dtmService/api/dtmsvr', 'https://dtm-service', 'HTTP://dtm_service/'])(
    'of the coordinator: %s',
    (url) => {
      expect(http.isNamed(url, 'coordinator')).toBe(true);
      expect(http.isNamed(url, 'branch')).toBe(false);
    },
  );

  it.each([
    'http://localhost/api/dtmsvr',
    'http://LOCALHOST',
    'http://dtm:80/api/dtmsvr',
    'http://dtm.example/api/dtmsvr',
    'http://[::1]/api/dtmsvr',
    'http://127.0.0.1/api/dtmsvr',
    'http://2130706433/api/dtmsvr',
    'http://user@dtm/api/dtmsvr',
    'http:///api',
    'h:9000/b.B/In',
    'dtm:36790',
    'grpc://dtm:36790',
    'GRPCS://dtm:36790',
    'dns:///dtm:36790',
    'xds:///dtm',
    '',
  ])('are not: %s', (url) => {
    expect(http.isNamed(url, 'coordinator')).toBe(false);
    expect(http.isNamed(url, 'branch')).toBe(false);
  });

  it.each([
    ['nacos://busi:80/out', /without a port and a user/],
    ['nacos://me:secret@busi/out', /without a port and a user/],
    ['nacos:///out', /the name of a service/],
    ['nacos://../out', /the name of a service/],
    ['nacos://bu%2Fsi/out', /the name of a service/],
    ['nacos://busi/a b', /printable ASCII/],
    ['nacos://busi/bänk', /printable ASCII/],
    ['nacos://busi/a\r\nb', /printable ASCII/],
    ['nacos://busi/out?group=a/b', /a group/],
    ['nacos://busi/out?groupName=a%20b', /a group/],
    ['nacos://busi/out?clusters=A&clusters=../b', /a cluster/],
  ])('%s can never be called', async (url, message) => {
    expect(() => http.check(url)).toThrow(message);
    expect(() => http.check(url)).toThrow(DtmArgumentError);
    expect(() => http.check(url)).not.toThrow(/secret/);
    await expect(http.resolve(url)).rejects.toThrow(message);
  });

  it.each(['nacos://busi', 'nacos://busi/out?group=G&clusters=A&clusters=B', 'lb://busi.v1-a_b/?a=%20'])(
    '%s can be called',
    (url) => http.check(url),
  );

  it('need a registry', async () => {
    await expect(springCloudDriver().http!.resolve('nacos://busi/out')).rejects.toThrow(
      /has no registry to look "busi" up in; register a service, or create the driver with springCloudDriver/,
    );
  });
});

describe('branches over gRPC', () => {
  // Go returns two empty strings, and makes no call
  it('have addresses without a scheme', () => {
    expect(driver.parseServerMethod('h:9000/b.B/In')).toEqual({ server: 'h:9000', method: '/b.B/In' });
  });

  it.each(['', 'h:9000', '/b.B/In', 'h:1//b.B/In'])('are refused without a server or method: %j', (uri) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(/as host:port\/pkg.Service\/Method/);
  });

  it.each(['nacos://busi/b.B/In', 'etcd://h:2379/trans/b.B/In', 'nacos://me:secret@busi/b.B/In'])(
    'are not called by name: %s',
    (uri) => {
      expect(() => driver.parseServerMethod(uri)).toThrow(/by name over HTTP only/);
      expect(() => driver.parseServerMethod(uri)).not.toThrow(/secret/);
    },
  );
});

describe('the URL of a branch that Go dtm finds', () => {
  it.each([
    ['busi', '/out', 'nacos://busi/out'],
    ['nacos://busi', '/out?a=1', 'nacos://busi/out?a=1'],
    ['lb://busi/', '/out', 'lb://busi/out'],
    ['busi?group=G&clusters=A&clusters=B', '/out', 'nacos://busi/out?group=G&clusters=A&clusters=B'],
    ['busi?group=G', '/out?a=1', 'nacos://busi/out?a=1&group=G'],
    ['busi?group=DEFAULT_GROUP&clusters=DEFAULT', '/out', 'nacos://busi/out'],
    ['http://busi:80', '/out', 'http://busi:80/out'],
    ['https://busi.example/', '/out', 'https://busi.example/out'],
  ])('of %s and %s is %s', (service, method, url) => {
    expect(driver.branchUrl!(service, method)).toBe(url);
    expect(springCloudDriver().branchUrl!(service, method)).toBe(url);
  });

  it.each([
    ['busi?groupName=G', '/out', /ignores "groupName".*Go dtm reads 'group'/],
    ['busi?namespaceId=x', '/out', /ignores "namespaceId".*of its own target/],
    ['busi', 'out', /expected a slash at the start of the path/],
    ['h:9000', '/b.B/In', /calls no gRPC branches/],
    ['bu/si', '/out', /the name of a service/],
    ['me:secret@busi', '/out', /without a port and a user/],
    ['', '/out', /the name of a service/],
    ['eureka://busi', '/out', /does not look services up in Eureka.*driver\.http\.resolve\('eureka:\/\/busi\/out'\)/],
  ])('of %s and %s is refused', (service, method, message) => {
    expect(() => driver.branchUrl!(service, method)).toThrow(message);
    expect(() => driver.branchUrl!(service, method)).toThrow(DtmArgumentError);
  });

  it('is refused for a service in Eureka', () => {
    expect(() => onEureka.branchUrl!('busi', '/out')).toThrow(/does not look services up in Eureka/);
    expect(onEureka.branchUrl!('http://busi:80', '/out')).toBe('http://busi:80/out');
  });

  it('is built for a service in Eureka with the coordinator of this package', () => {
    const { branchUrl } = springCloudDriver({
      eureka: { serviceUrls: ['http://eureka:8761/eureka'], coordinator: 'nestjs-dtm' },
    });
    expect(branchUrl!('busi', '/out')).toBe('eureka://busi/out');
    expect(branchUrl!('eureka://busi/', '/out')).toBe('eureka://busi/out');
    expect(branchUrl!('http://busi:80', '/out')).toBe('http://busi:80/out');
    for (const service of ['eureka://busi:80', 'eureka://busi?group=g', 'eureka://../x', 'b%sy']) {
      expect(() => branchUrl!(service, '/out')).toThrow(DtmArgumentError);
    }
    expect(() => branchUrl!('busi', 'out')).toThrow(/expected a branch as eureka:\/\/service\/path/);
  });
});

describe('the target', () => {
  const example =
    '{"Addr":"127.0.0.1:8848","Type":"nacos","InstanceConfig":{"ServiceName":"dtmService","Enable":true,"Healthy":true,' +
    '"Weight":10},"ClientConfig":{"NamespaceId":"n","UserName":"nacos","Password":"secret","NotLoadCacheAtStart":true}}';

  it("of dtm's sample is parsed as in Go, in any case", () => {
    const expected = {
      type: 'nacos',
      hosts: [{ host: '127.0.0.1', port: 8848 }],
      client: { user: 'nacos', password: 'secret', namespace: 'n' },
      instance: { service: 'dtmService', address: ADDRESS, enabled: true, healthy: true, weight: 10 },
    };
    expect(parseTarget(example, ADDRESS)).toEqual(expected);
    expect(
      parseTarget(
        example.replace(/"(Addr|Type|ServiceName|Weight)"/g, (key) => key.toLowerCase()),
        ADDRESS,
      ),
    ).toEqual(expected);
  });

  it('leaves out enabled, healthy and ephemeral when they are absent, for which the registry assumes true', () => {
    const config = (more: string): string =>
      `{"Addr":"h:1","Type":"nacos","InstanceConfig":{"ServiceName":"s"${more}}}`;
    const instance = (more = ''): object => parseTarget(config(more), ADDRESS).instance;
    expect(instance()).toEqual({ service: 's', address: ADDRESS, weight: 10 });
    expect(instance(',"Weight":0')).toMatchObject({ weight: 10 });
    expect(instance(',"Enable":false,"Healthy":false,"Ephemeral":false,"Weight":1')).toMatchObject({
      enabled: false,
      healthy: false,
      ephemeral: false,
      weight: 1,
    });
    expect(instance(',"GroupName":"G","ClusterName":"C","Metadata":{"a":"b"}')).toMatchObject({
      group: 'G',
      cluster: 'C',
      metadata: { a: 'b' },
    });
  });

  it('may name Eureka by hosts or URLs', () => {
    const target = (addr: string): string =>
      JSON.stringify({ Addr: addr, Type: 'eureka', InstanceConfig: { ServiceName: 'dtmService', Secure: true } });
    expect(parseTarget(target('h1:8761,https://me:secret@h2/x'), ADDRESS)).toMatchObject({
      type: 'eureka',
      serviceUrls: ['http://h1:8761/eureka', 'https://me:secret@h2/x'],
      instance: { service: 'dtmService', address: ADDRESS, secure: true },
    });
  });

  it.each([
    ['', 'is not a JSON object'],
    ['etcd://h:1/dtmservice', 'is not a JSON object'],
    ['[]', 'is not a JSON object'],
    ['{"Addr":"h:1","Password":"secret"', 'is not a JSON object'],
    ['{}', 'Type ""; expected "nacos" or "eureka"'],
    ['{"Type":"zookeeper"}', 'Type "zookeeper"'],
    ['{"Type":5}', 'Type must be a string'],
    ['{"Type":"nacos"}', 'no Addr'],
    ['{"Type":"nacos","Addr":"h:1"}', 'InstanceConfig.ServiceName'],
    ['{"Type":"nacos","Addr":"h:1","InstanceConfig":5}', 'InstanceConfig must be an object'],
    ['{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"../x"}}', 'InstanceConfig.ServiceName'],
    [
      '{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s","GroupName":"a b"}}',
      'InstanceConfig.GroupName',
    ],
    ['{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s","Weight":0.5}}', 'panics on weights below 1'],
    ['{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s","Weight":"1"}}', 'Weight must be a number'],
    [
      '{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s","Enable":"yes"}}',
      'Enable must be true or false',
    ],
    ['{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s","Metadata":{"a":1}}}', 'an object of strings'],
    [
      '{"Type":"nacos","Addr":"h:1","InstanceConfig":{"ServiceName":"s"},"ClientConfig":{"AccessKey":"secret"}}',
      'AccessKey is not supported',
    ],
    ['{"Type":"nacos","Addr":"no address","InstanceConfig":{"ServiceName":"s"}}', 'is invalid'],
    [
      '{"Type":"eureka","Addr":"ftp://me:secret@h","InstanceConfig":{"ServiceName":"s"}}',
      'is not the URL of a Eureka server',
    ],
  ])('%s is refused', async (target, message) => {
    const fresh = springCloudDriver();
    expect(() => fresh.prepareService!(target, 'bank:80')).toThrow(message);
    expect(() => fresh.prepareService!(target, 'bank:80')).toThrow(DtmConfigError);
    expect(() => fresh.prepareService!(target, 'bank:80')).not.toThrow(/secret/);
    await expect(fresh.registerService(target, 'bank:80')).rejects.toThrow(DtmConfigError);
  });
});

describe('the registry of lookups', () => {
  const target = (Addr: string, ClientConfig = {}): string =>
    JSON.stringify({ Addr, Type: 'nacos', InstanceConfig: { ServiceName: 's' }, ClientConfig });

  it('must be the same in targets and options', () => {
    const fresh = springCloudDriver({ nacos: { hosts: 'nacos', user: 'me', password: 'secret' } });
    // the options fill in what the target leaves out
    fresh.prepareService!(target('nacos:8848'), 'bank:80');
    fresh.prepareService!(target('nacos:8848', { Username: 'me', Password: 'secret' }), 'bank:80');
  });

  it.each([
    target('other:8848'),
    target('nacos:8848', { NamespaceId: 'x' }),
    target('nacos:8848', { Username: 'you', Password: 'secret' }),
    '{"Type":"eureka","Addr":"nacos:8848","InstanceConfig":{"ServiceName":"s"}}',
  ])('refuses another registry in %s', (other) => {
    expect(() => driver.prepareService!(other, 'bank:80')).toThrow(
      / is not nacos at nacos:8848.*; give all targets and options the same registry/,
    );
    expect(() => driver.prepareService!(other, 'bank:80')).not.toThrow(/secret/);
  });

  it.each([
    { nacos: { hosts: '' } },
    { nacos: { hosts: 'no address' } },
    { eureka: { serviceUrls: [] } },
    { nacos: { hosts: 'h' }, eureka: { serviceUrls: ['http://h/eureka'] } },
  ])('cannot be %j', (options) => {
    expect(() => springCloudDriver(options)).toThrow(/./);
  });
});

it('the driver is chosen by the name that it has in Go', () => {
  expect(new DriverRegistry().use('dtm-driver-springcloud').http).toBeDefined();
});
