import { describe, expect, it } from 'vitest';
import { isSameTarget, targetOf } from '../../../../../lib/server/execution/calls/target.js';

describe('the target of a branch URL', () => {
  it.each([
    ['http://bank/transOut', 'http://bank'],
    ['http://bank:80/transOut', 'http://bank:80'],
    ['http://bank:8080/a/b/c', 'http://bank:8080'],
    ['https://bank', 'https://bank'],
    ['http://bank?x=/1', 'http://bank'],
    ['http://bank#/x', 'http://bank'],
    ['HTTP://Bank/x', 'HTTP://Bank'],
    ['http://user:secret@bank:80/x', 'http://user:secret@bank:80'],
    ['http://[::1]:80/x', 'http://[::1]:80'],
    ['bank:50051/bank.Bank/TransOut', 'bank:50051'],
    ['[::1]:50051/bank.Bank/TransOut', '[::1]:50051'],
    ['protocol1:///bank:50051/bank.Bank/TransOut', 'protocol1:///bank:50051'],
    ['protocol1://bank:50051/bank.Bank/TransOut', 'protocol1://bank:50051'],
    ['etcd://e1:2379,e2:2379/trans/bank.Bank/TransOut', 'etcd://e1:2379,e2:2379/trans'],
    ['consul://c:8500/trans?wait=1s/bank.Bank/TransOut', 'consul://c:8500/trans?wait=1s'],
    ['discovery:///trans/api.bank.v1.Bank/TransOut', 'discovery:///trans'],
    ['polaris://trans/bank.Bank/TransOut?namespace=Test', 'polaris://trans'],
    ['nacos://bank/transOut?groupName=G', 'nacos://bank'],
    ['etcd://registry:2379/trans', 'etcd://registry:2379'],
    ['etcd://registry:2379', 'etcd://registry:2379'],
    ['', ''],
    ['bank', 'bank'],
    ['/bank', ''],
  ])('%s is %s', (url, target) => {
    expect(targetOf(url).origin).toBe(target);
    expect(url.startsWith(target)).toBe(true);
  });

  it('is the name of a service that is called over HTTP, without the path', () => {
    expect(targetOf('nacos://bank/api/v1/transOut?group=G', true).origin).toBe('nacos://bank');
    expect(targetOf('nacos://bank/api/v1/transOut?group=G', false).origin).toBe('nacos://bank/api');
  });

  it('is found quickly even in a hostile URL', () => {
    for (const url of [
      `http://${'a'.repeat(1e6)}`,
      `${'a+.-'.repeat(1e5)}`,
      `x://${'/'.repeat(1e6)}`,
      ':'.repeat(1e6),
    ]) {
      const { origin, path } = targetOf(url);
      expect(url.startsWith(origin)).toBe(true);
      expect(url.startsWith(path) && path.length <= origin.length + 1000).toBe(true);
    }
  });

  it.each([
    ['http://bank/transOut', 'http://bank/transOut'],
    ['http://bank/transOut?x=/1', 'http://bank/transOut'],
    ['http://bank/a/b/c#d', 'http://bank/a/b/c'],
    ['http://bank', 'http://bank'],
    ['http://bank?x=1', 'http://bank'],
    ['bank:50051/bank.Bank/TransOut', 'bank:50051/bank.Bank/TransOut'],
    ['consul://c:8500/trans?wait=1s/bank.Bank/TransOut', 'consul://c:8500/trans?wait=1s/bank.Bank/TransOut'],
    ['polaris://trans/bank.Bank/TransOut?namespace=Test', 'polaris://trans/bank.Bank/TransOut'],
    ['', ''],
  ])('%s has the path %s', (url, path) => {
    expect(targetOf(url).path).toBe(path);
  });

  it.each([
    ['http://bank1:80/orders/17/pay?x=1', 'http://bank1:80/orders/*/pay'],
    ['http://bank1/orders/pay', 'http://bank1/orders/pay'],
    ['http://127.0.0.1:80', 'http://127.0.0.1:80'],
    ['bank1:50051/bank.Bank/Out1', 'bank1:50051/bank.Bank/Out1'],
  ])('%s has the kind %s', (url, kind) => {
    expect(targetOf(url).kind).toBe(kind);
  });

  it('has at most 1000 characters, and its path as many, which end with a segment', () => {
    expect(targetOf(`http://${'a'.repeat(2000)}/b`).origin).toHaveLength(1000);
    const segment = `/${'a'.repeat(400)}`;
    expect(targetOf(`http://bank${segment.repeat(4)}?x=1`).path).toBe(`http://bank${segment.repeat(2)}`);
    expect(targetOf(`http://bank/${'a'.repeat(2000)}`).path).toBe('http://bank');
  });
});

describe('two beginnings of URLs', () => {
  it.each([
    ['http://bank', 'http://bank', true],
    ['http://bank', 'http://bank/', true],
    ['http://bank', 'http://bank/transOut', true],
    ['http://bank', 'http://bank?x=1', true],
    ['etcd://registry:2379', 'etcd://registry:2379/trans', true],
    ['http://bank:80', 'http://bank:8080', false],
    ['http://bank', 'http://bank:80', false],
    ['http://bank', 'http://bank.example', false],
    ['http://bank', 'https://bank', false],
    ['etcd://registry/trans', 'etcd://registry/transfer', false],
  ])('%s and %s are of the same target: %s', (one, other, isSame) => {
    expect(isSameTarget(one, other)).toBe(isSame);
    expect(isSameTarget(other, one)).toBe(isSame);
  });
});
