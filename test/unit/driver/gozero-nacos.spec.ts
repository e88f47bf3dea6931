import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { describe, expect, it } from 'vitest';
import { NacosAddresses } from '../../../lib/driver/gozero/nacos-addresses.js';

const driver = goZeroDriver();

describe('services of go-zero in Nacos', () => {
  // Go drops the user and the query
  it.each([
    ['nacos://h:8848/s/b.B/In', 'nacos://h:8848/s'],
    ['nacos://u:p@h:8848/s?namespaceid=x&GroupName=G/b.B/In', 'nacos://u:p@h:8848/s?namespaceid=x&GroupName=G'],
  ])('%s is called at %s', (uri, server) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method: '/b.B/In' });
  });

  it('the URL of a branch has neither user nor query, which Go would drop', () => {
    expect(driver.branchUrl!('nacos://h:8848/s', '/b.B/In')).toBe('nacos://h:8848/s/b.B/In');
    expect(() => driver.branchUrl!('nacos://h:8848/s?GroupName=G', '/b.B/In')).toThrow(/Go dtm ignores/);
    expect(() => driver.branchUrl!('nacos://u:secret@h:8848/s', '/b.B/In')).toThrow(/Go dtm ignores/);
    expect(() => driver.branchUrl!('nacos://u:secret@h:8848/s', '/b.B/In')).not.toThrow(/secret/);
  });

  it.each([
    ['', 's'],
    ['h:8848', ''],
    ['h:8848', 'a/b'],
    ['h:0', 's'],
    ['h:8848', 's?GroupName=a/b'],
    ['h:8848', 's?Clusters=A,b%20c'],
  ])('nacos://%s/%s is refused', (authority, path) => {
    expect(() => new NacosAddresses().parse({ scheme: 'nacos', authority, path })).toThrow(/./);
  });

  it.each(['h', 'h:8848', 'u:p@h:8848', 'h1:8848,h2:8848'])('nacos://%s/s?Clusters=A,B is accepted', (authority) => {
    new NacosAddresses().parse({ scheme: 'nacos', authority, path: 's?Clusters=A,B&namespaceid=x' });
  });

  it.each([
    'nacos://h:8848/',
    'nacos:///s',
    'nacos://h:8848/s?namespaceId=a/b',
    'nacos://h:8848/s?GroupName=a%20b',
    'nacos://h/s',
  ])('the target %s is refused', (target) => {
    expect(() => driver.prepareService!(target, 'h:1')).toThrow(/./);
  });
});
