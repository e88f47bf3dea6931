import { describe, expect, it } from 'vitest';
import { DtmArgumentError, assertBranchUrl, isHttpUrl, splitGrpcUrl } from '../../../lib/protocol/internal.js';

describe('a gRPC branch URL', () => {
  it.each([
    ['localhost:50051/bank.Bank/TransOut', 'localhost:50051', '/bank.Bank/TransOut'],
    ['10.0.0.1:9000/Bank/TransOut', '10.0.0.1:9000', '/Bank/TransOut'],
    ['[::1]:9000/b.B/In', '[::1]:9000', '/b.B/In'],
    ['bank-1.svc_x.local:1/b.B/In', 'bank-1.svc_x.local:1', '/b.B/In'],
  ])('%s has a server and a method', (url, server, method) => {
    expect(splitGrpcUrl(url)).toEqual({ server, method });
    expect(() => assertBranchUrl(url, 'action', 'grpc')).not.toThrow();
  });

  it.each([
    '',
    'h:9000',
    '/b.B/In',
    'h/b.B/In',
    'h:/b.B/In',
    'h:x/b.B/In',
    'h:9000/In',
    'h:9000/b.B/',
    'h:9000//In',
    'h:9000//b.B/In',
    'h:9000/a/b.B/In',
    'h:9000/b.B/In?x=1',
    'h:9000/b.B/In#x',
    'h:9000/b.B/I n',
    ' h:9000/b.B/In',
    'h:9000/b.B/In\n',
    'h:9000/b.B/Überweisen',
    'bänk:9000/b.B/In',
    'u@h:9000/b.B/In',
    'a:b:9000/b.B/In',
    '::1:9000/b.B/In',
    '[::1:9000/b.B/In',
    '[fe80::1%eth0]:9000/b.B/In',
    'x:y',
  ])('%j is none', (url) => {
    expect(splitGrpcUrl(url)).toBeUndefined();
    expect(() => assertBranchUrl(url, 'action', 'grpc')).toThrow(DtmArgumentError);
    expect(() => assertBranchUrl(url, 'action', 'grpc')).toThrow(
      /^action ".*" is not a URL; expected http:.* or for gRPC/,
    );
  });

  it('with a scheme of its own is for the driver to judge', () => {
    for (const url of ['etcd://h1:1,h2:2/trans/b.B/In', 'discovery:///busi/b.B/In', 'ftp://b/a']) {
      expect(() => assertBranchUrl(url, 'action', 'grpc')).not.toThrow();
      expect(splitGrpcUrl(url)).toBeUndefined();
    }
    for (const url of ['etcd://h/a b', 'etcd://h/ä', '1://h/a/b', '://h/a/b', 'etcd://']) {
      expect(() => assertBranchUrl(url, 'action', 'grpc')).toThrow(DtmArgumentError);
    }
  });

  it('takes a linear time to refuse', () => {
    const long = `${'a'.repeat(2_000_000)}/${'b'.repeat(2_000_000)}`;
    expect(splitGrpcUrl(long)).toBeUndefined();
    expect(splitGrpcUrl(`${':1'.repeat(1_000_000)}/b/c`)).toBeUndefined();
  });
});

describe('a branch URL of a transaction with HTTP', () => {
  it.each([undefined, 'http', 'json-rpc'] as const)('(%s) must be one of HTTP', (protocol) => {
    expect(() => assertBranchUrl('http://b/a', 'action', protocol)).not.toThrow();
    expect(() => assertBranchUrl('b/a', 'action', protocol)).toThrow(
      /^action "b\/a" is not a URL; expected http:\/\/host:port\/path$/,
    );
    // a name, which the driver looks up
    expect(() => assertBranchUrl('nacos://bank/in', 'action', protocol)).not.toThrow();
    expect(() => assertBranchUrl('nacos://bank/\u00fc', 'action', protocol)).toThrow(
      / is not an http or https URL; expected http:\/\/host:port\/path$/,
    );
    expect(() => assertBranchUrl('bank:8080/api/in', 'action', protocol)).toThrow(
      'action "bank:8080/api/in" has no scheme; put http:// in front, or set protocol: \'grpc\' on the transaction',
    );
  });
});

describe('an HTTP branch URL', () => {
  it.each(['http://b/a', 'https://b', 'HTTP://b/a'])('may be %s', (url) => {
    expect(isHttpUrl(url)).toBe(true);
    expect(() => assertBranchUrl(url, 'action', 'grpc')).not.toThrow();
  });

  it('is checked as one', () => {
    expect(() => assertBranchUrl('http://', 'action', 'grpc')).toThrow(
      /^action "http:\/\/" is not a URL; expected http:\/\/host:port\/path$/,
    );
    expect(isHttpUrl('httpx://b')).toBe(false);
    expect(isHttpUrl('http:9000/b.B/In')).toBe(false);
  });
});
