import { egoDriver } from 'nestjs-dtm/driver/ego';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { egoKey, egoValue, parseEgoEntry } from '../../../lib/driver/ego/ego-entry.js';

const driver = egoDriver({ registry: 'etcd://127.0.0.1:2379' });

describe('branches of ego', () => {
  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['etcd:///trans/b.B/In', 'etcd:///trans', '/b.B/In'],
  ])('%s is called as in Go', (uri, server, method) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each([
    ['h:9000', "no '/' found"],
    ['', "no '/' found"],
    ['/b.B/In', 'host:port/pkg.Service/Method'],
    ['etcd://h:2379/trans/b.B/In', 'with three slashes'],
    ['etcd://h1:1,h2:2/trans/b.B/In', 'with three slashes'],
    ['etcd://h:2379/trans', 'three parts'],
    ['etcd://h:2379', 'three parts'],
    ['etcd:///h1:1,h2:2?key=trans/b.B/In', "dtm drops everything after '?'"],
    ['etcd:///a/b/b.B/In', 'three parts'],
    ['etcd:///h:1,h:2/b.B/In', 'the name of a service'],
    ['etcd:///../b.B/In', 'the name of a service'],
    ['consul://h:8500/s/b.B/In', 'dtm-driver-gozero'],
    ['polaris://svc/b.B/In', 'dtm-driver-polaris'],
    ['k8s:///s:1/b.B/In', 'dtm-driver-ego'],
    ['h:1//b.B/In', 'host:port/pkg.Service/Method'],
  ])('%j is refused', (uri, why) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(DtmArgumentError);
    expect(() => driver.parseServerMethod(uri)).toThrow(why);
  });

  it('do not contain the address of etcd', () => {
    expect(driver.branchUrl!('etcd:///bank', '/b.B/In')).toBe('etcd:///bank/b.B/In');
    expect(() => driver.branchUrl!('etcd://h:2379/bank', '/b.B/In')).toThrow(/three slashes/);
  });

  it('are refused until a registry is known', () => {
    const later = egoDriver();
    expect(later.parseServerMethod('h:1/b.B/In').server).toBe('h:1');
    expect(() => later.parseServerMethod('etcd:///bank/b.B/In')).toThrow(/egoDriver\(\{ registry/);
    later.prepareService!('etcd://127.0.0.1:2379/dtmservice', '127.0.0.1:36790');
    expect(later.parseServerMethod('etcd:///bank/b.B/In').server).toBe('etcd:///bank');
  });
});

describe('targets of ego', () => {
  it.each([
    ['etcd:///h:2379/dtmservice', 'no host'],
    ['consul://h:8500/dtmservice', 'the scheme "consul"'],
    ['nonsense', 'expected scheme://'],
    ['etcd://h:2379/', 'the service in the target'],
    ['etcd://h:2379/a/b', 'the service in the target'],
    ['etcd://h:0/dtmservice', 'is not host:port'],
    ['etcd://h/dtmservice?caCert=/no/such/file', 'a certificate of etcd cannot be read'],
  ])('%s is refused', (target, why) => {
    expect(() => driver.prepareService!(target, 'h:1')).toThrow(why);
    expect(() => driver.prepareService!(target, 'h:1')).toThrow(/^driver dtm-driver-ego/);
  });

  it.each(['', 'h', '0.0.0.0:1', 'grpc://h:1'])('have an endpoint that is not %j', (endpoint) => {
    expect(() => driver.prepareService!('etcd://h:2379/dtmservice', endpoint)).toThrow(DtmConfigError);
  });

  it('do not show their secrets in messages', () => {
    const target = 'consul://root:s3cret@h:1/dtmservice?userName=root&password=s3cret';
    expect(() => driver.prepareService!(target, 'h:1')).toThrow(/^(?!.*s3cret)/s);
    expect(() => egoDriver({ registry: 'etcd://h:0?userName=root&password=s3cret' })).toThrow(/^(?!.*s3cret)/s);
  });
});

describe('entries of ego', () => {
  const read = (value: unknown, key = egoKey('bank', 'h:1')): string => {
    const found = parseEgoEntry('bank', key, typeof value === 'string' ? value : JSON.stringify(value));
    return found.kind === 'instance' ? `${found.address.host}:${found.address.port}` : found.kind;
  };

  it('are written as in Go', () => {
    const started = new Date(2026, 10, 2, 3, 4, 5);
    expect(egoKey('bank', 'h:1')).toBe('/ego/bank/providers/grpc://h:1');
    expect(egoValue('bank', 'h:1', started)).toBe(
      '{"name":"bank","scheme":"grpc","address":"h:1","weight":100,"enable":true,"healthy":true,"metadata":' +
        '{"appHost":"","appMode":"","appVersion":"","buildTime":"","egoVersion":"","startTime":"2026-11-02 03:04:05"},' +
        '"region":"","zone":"","kind":1,"deployment":"","group":"","services":null}',
    );
    expect(read(egoValue('bank', 'h:1', started))).toBe('h:1');
  });

  it('may be out of service', () => {
    expect(read({ address: 'h:1', enable: true, healthy: false })).toBe('out of service');
    expect(read({ address: 'h:1', enable: false })).toBe('out of service');
    expect(read({ address: 'h:1' })).toBe('h:1');
  });

  it.each(['', 'null', '[]', '{', '{"address":1}', '{"address":"h:0"}', '{"address":"h:1 "}', '"h:1"'])(
    '%j is malformed',
    (value) => expect(read(value)).toBe('malformed'),
  );

  it.each([
    '/ego/bank/configurators/grpc:///routes/x',
    '/ego/bank/providers/http://h:1',
    '/ego/bank/governors/grpc://h:1',
    '/ego/bank',
  ])('at %s are settings, or of other protocols', (key) => {
    expect(read({ address: 'h:1' }, key)).toBe('setting');
  });
});
