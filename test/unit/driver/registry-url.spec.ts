import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { parseRegistryUrl } from '../../../lib/driver/support/registry/registry-url.js';
import { parseServiceName } from '../../../lib/driver/support/registry/parse-service-name.js';

describe('the URL of a service in a registry', () => {
  it('has hosts, a service, and options', () => {
    const url = parseRegistryUrl('ETCD://one:2379,[::1]:2380/bank?user=u&password=p%26q');
    expect(url).toMatchObject({
      scheme: 'etcd',
      hosts: [
        { host: 'one', port: 2379 },
        { host: '::1', port: 2380 },
      ],
      path: 'bank',
      user: undefined,
      password: undefined,
    });
    expect([...url.query]).toEqual([
      ['user', 'u'],
      ['password', 'p&q'],
    ]);
  });

  it('may have a user and a password', () => {
    expect(parseRegistryUrl('nacos://na%20cos:p%3Aq:r@h:1/s')).toMatchObject({ user: 'na cos', password: 'p:q:r' });
    expect(parseRegistryUrl('nacos://@h:1/s')).toMatchObject({ user: undefined, password: undefined });
  });

  it('may have hosts without a port when there is a default, and no host at all', () => {
    expect(parseRegistryUrl('etcd://one,two:1/bank', 2379).hosts).toEqual([
      { host: 'one', port: 2379 },
      { host: 'two', port: 1 },
    ]);
    expect(parseRegistryUrl('discovery:///bank')).toMatchObject({ hosts: [], path: 'bank' });
    expect(parseRegistryUrl('etcd://h:1')).toMatchObject({ path: '' });
  });

  it.each([
    'bank',
    'etcd:/h:1/bank',
    'etcd://h/bank',
    'etcd://h:1,/bank',
    'etcd://h:0/bank',
    'etcd://h:99999/bank',
    'etcd://h:1/bänk',
    'etcd://h:1/b ank',
    'etcd://h:1/b\nank',
    'etcd://h:1/bank#part',
    'etcd://user:secret@h/bank',
  ])('must not be %j, and the error shows no password', (url) => {
    expect(() => parseRegistryUrl(url)).toThrow(DtmArgumentError);
    expect(() => parseRegistryUrl(url)).not.toThrow(/secret/);
  });
});

describe('the name of a service', () => {
  it.each(['bank', 'bank.rpc', 'Bank_2-x', 'a'.repeat(128)])('may be %s', (name) => {
    expect(parseServiceName(name)).toBe(name);
  });

  it.each(['', '.', '..', '../bank', 'a/b', 'a b', 'bänk', 'a\u0000', 'a\n', 'a?b', 'a%2f', 'a'.repeat(129)])(
    'must not be %j',
    (name) => {
      expect(() => parseServiceName(name)).toThrow(DtmArgumentError);
    },
  );
});
