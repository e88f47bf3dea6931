import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { polarisDriver } from 'nestjs-dtm/driver/polaris';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findPolarisServers } from '../../../lib/driver/polaris/find-polaris-servers.js';
import { parsePolarisTarget } from '../../../lib/driver/polaris/polaris-url.js';
import { POLARIS_CODECS } from '../../../lib/driver/support/registry/polaris/polaris-proto.js';
import { formatHostPort } from '../../../lib/support/host-port.js';
import { tempFolder } from '../../support/temp-folder.js';

const driver = polarisDriver({ servers: ['127.0.0.1:8091'] });

describe('branches of Polaris', () => {
  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['127.0.0.1:8080/package.service/method', '127.0.0.1:8080', '/package.service/method'],
    ['polaris://svc/b.B/In?namespace=Test', 'polaris://svc/?options=eyJOYW1lc3BhY2UiOiJUZXN0In0=', '/b.B/In'],
    ['polaris://svc/b.B/In', 'polaris://svc/?options=eyJOYW1lc3BhY2UiOiIifQ==', '/b.B/In'],
    ['POLARIS://svc/b.B/In?namespace=', 'polaris://svc/?options=eyJOYW1lc3BhY2UiOiIifQ==', '/b.B/In'],
  ])('%s is called as in Go', (uri, server, method) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each([
    ['h:9000', "no '/' found"],
    ['', "no '/' found"],
    ['/b.B/In', 'host:port/pkg.Service/Method'],
    ['etcd://h:2379/trans/b.B/In', 'dtm-driver-gozero or dtm-driver-ego'],
    ['polaris://svc', 'polaris://service/pkg.Service/Method'],
    ['polaris://svc/In', 'polaris://service/pkg.Service/Method'],
    ['polaris:///svc/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://svc/a/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://svc/b.B/In?namespace=Test&version=1', 'dtm drops every other part'],
    ['polaris://svc:1/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://svc?namespace=Test/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://../b.B/In', 'the name of a service'],
    ['polaris://s%2fvc/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://bänk/b.B/In', 'polaris://service/pkg.Service/Method'],
    ['polaris://svc/b.B/In?namespace=a/b', 'polaris://service/pkg.Service/Method'],
  ])('%j is refused', (uri, why) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(DtmArgumentError);
    expect(() => driver.parseServerMethod(uri)).toThrow(why);
  });

  it.each([
    ['polaris://bank?namespace=Test', 'polaris://bank/b.B/In?namespace=Test'],
    ['polaris://bank/?options=eyJOYW1lc3BhY2UiOiJUZXN0In0=', 'polaris://bank/b.B/In?namespace=Test'],
    ['polaris://bank/?namespace=default', 'polaris://bank/b.B/In'],
    ['polaris://bank', 'polaris://bank/b.B/In'],
    ['bank:50051', 'bank:50051/b.B/In'],
  ])('of the service %s are written %s', (service, url) => {
    expect(driver.branchUrl!(service, '/b.B/In')).toBe(url);
    expect(driver.parseServerMethod(url).method).toBe('/b.B/In');
  });

  it.each(['polaris://bank?token=x', 'polaris://', 'polaris://bank/other', 'polaris://../x'])(
    'a service is not written %s',
    (service) => expect(() => driver.branchUrl!(service, '/b.B/In')).toThrow(DtmArgumentError),
  );

  it('an address that Go has written is parsed, with the supported options', () => {
    const read = (options: string): unknown =>
      parsePolarisTarget({ scheme: 'polaris', authority: 'svc', path: `?options=${options}` });
    expect(read('eyJOYW1lc3BhY2UiOiJUZXN0In0=')).toEqual({ name: 'svc', namespace: 'Test' });
    expect(read('eyJOYW1lc3BhY2UiOiIifQ==')).toEqual({ name: 'svc', namespace: 'default' });
    const more = Buffer.from('{"Namespace":"Test","dst_metadata":{"a":"b"}}').toString('base64url');
    for (const options of [more, 'bnVsbA==', 'e30x', '*'])
      expect(() => read(options), options).toThrow(DtmArgumentError);
  });
});

describe('registration in Polaris', () => {
  it.each([
    ['polaris://127.0.0.1:1/bank', 'a namespace'],
    ['polaris://127.0.0.1:1/?namespace=Test', 'the service in the target'],
    ['polaris://127.0.0.1:1/a/b?namespace=Test', 'the service in the target'],
    ['polaris://127.0.0.1:1/bank?namespace=../x', 'the namespace in the target'],
    ['polaris:///bank?namespace=Test', 'one address'],
    ['polaris://a:1,b:2/bank?namespace=Test', 'one address'],
    ['polaris://0.0.0.0:1/bank?namespace=Test', 'others can call'],
    ['polaris://a/bank?namespace=Test', 'is not host:port'],
    ['etcd://a:1/bank?namespace=Test', 'polaris://host:port/service'],
    ['', 'polaris://host:port/service'],
  ])('the target %j is refused', (target, why) => {
    expect(() => driver.prepareService!(target, '')).toThrow(DtmConfigError);
    expect(() => driver.prepareService!(target, '')).toThrow(why);
  });

  it('an instance is written as the clients of Polaris write it', () => {
    const { instance } = POLARIS_CODECS;
    const bytes = instance.encode({
      service: { value: 'bank' },
      namespace: { value: 'Test' },
      host: { value: '10.0.0.1' },
      port: { value: 50051 },
      health_check: { type: 1, heartbeat: { ttl: { value: 5 } } },
      service_token: { value: 'secret' },
    });
    // service 2, namespace 3, host 4, port 5, health_check 10 {type 1, heartbeat 2 {ttl 1}}, service_token 19
    expect(bytes.toString('hex')).toBe(
      '12060a0462616e6b' +
        '1a060a0454657374' +
        '220a0a0831302e302e302e31' +
        '2a040883870352080801120' +
        '40a020805' +
        '9a01080a06736563726574',
    );
    expect(instance.decode(bytes)).toMatchObject({ port: { value: 50051 }, weight: null, healthy: null });
  });
});

describe('the servers of Polaris', () => {
  const inFolder = (yaml?: string): void => {
    const folder = tempFolder();
    if (yaml !== undefined) writeFileSync(join(folder, 'polaris.yaml'), yaml);
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
  };
  const host = { 'DTM-MICRO-SERVICE-POLARIS-HOST': 'p' };
  const found = (...args: Parameters<typeof findPolarisServers>): string =>
    findPolarisServers(...args)
      .map(formatHostPort)
      .join();

  it('are found in the option, in the environment, or in polaris.yaml', () => {
    inFolder('global:\n  serverConnector:\n    addresses:\n      - 10.0.0.1:8091\n      - other\n');
    expect(found(['a:1', 'b'], host)).toBe('a:1,b:8091');
    expect(found(undefined, host)).toBe('p:8091');
    expect(found(undefined, { ...host, 'DTM-MICRO-SERVICE-POLARIS-PROVIDERPORT': '18091' })).toBe('p:18091');
    expect(found(undefined, {})).toBe('10.0.0.1:8091,other:8091');
  });

  it.each([
    [undefined, 'ENOENT'],
    ['global: [', 'polaris.yaml cannot be read'],
    ['global: {}', 'has no list global.serverConnector.addresses'],
    ['', 'has no list'],
    ['global: { serverConnector: { addresses: [] } }', 'has no list'],
    ['global: { serverConnector: { addresses: ["a b"] } }', '"a b"'],
  ])('are not found in %j', (yaml, why) => {
    inFolder(yaml);
    expect(() => findPolarisServers(undefined, {})).toThrow(DtmConfigError);
    expect(() => findPolarisServers(undefined, {})).toThrow(why);
  });

  it.each([[[]], [['a:0']], [['http://a:1']]])('must not be %j', (servers) => {
    expect(() => findPolarisServers(servers, {})).toThrow(DtmConfigError);
  });

  it('are not needed before the first request', () => {
    inFolder();
    const later = polarisDriver();
    expect(later.parseServerMethod('polaris://svc/b.B/In').method).toBe('/b.B/In');
    expect(() => later.prepareService!('polaris://127.0.0.1:1/bank?namespace=Test', '')).toThrow(
      'polarisDriver({ servers',
    );
  });
});
