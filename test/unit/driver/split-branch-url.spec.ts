import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { splitBranchUrl } from '../../../lib/driver/index.js';

/** A driver like kratos and protocol1 that serves all schemes of the table. */
const KIND = {
  driver: 'dtm-driver-kind',
  schemes: Object.fromEntries(
    ['etcd', 'direct', 'consul', 'nacos', 'discovery', 'protocol1'].map((scheme) => [
      scheme,
      `${scheme}://…/service/pkg.Service/Method`,
    ]),
  ),
};

describe('a branch URL of a driver like protocol1 and kratos', () => {
  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['etcd://h:2379/trans/b.B/In', 'etcd://h:2379/trans', '/b.B/In'],
    ['etcd://h1:1,h2:2/trans/b.B/In', 'etcd://h1:1,h2:2/trans', '/b.B/In'],
    ['etcd:///trans/b.B/In', 'etcd:///trans', '/b.B/In'],
    ['direct:///a:1,b:2/b.B/In', 'direct:///a:1,b:2', '/b.B/In'],
    ['consul://h:8500/s/b.B/In', 'consul://h:8500/s', '/b.B/In'],
    ['discovery:///busi/b.B/In', 'discovery:///busi', '/b.B/In'],
    ['protocol1:///localhost:1/b.B/In', 'protocol1:///localhost:1', '/b.B/In'],
    ['etcd://[::1]:2379,[::2]:2379/trans/b.B/In', 'etcd://[::1]:2379,[::2]:2379/trans', '/b.B/In'],
    ['ETCD:///Trans/b.B/In', 'etcd:///Trans', '/b.B/In'],
  ])('is split as Go splits it: %s', (uri, server, method) => {
    expect(splitBranchUrl(uri, KIND)).toEqual({ server, method });
  });

  it.each([
    ['h:9000', /no '\/' found; expected a gRPC branch as host:port\/pkg.Service\/Method/],
    ['', /no '\/' found/],
    ['/b.B/In', /as host:port\/pkg.Service\/Method/],
    ['etcd://h:2379/a/b/b.B/In', /three parts that are not empty must follow etcd:\/\/h:2379; .* etcd:\/\/…\/service/],
    ['etcd://h:2379/trans', /three parts/],
    ['etcd://h:2379/', /three parts/],
    ['etcd://h:2379', /three parts/],
    ['etcd://h:2379/trans?x=1/b.B/In', /dtm drops everything after '\?'/],
    ['etcd:///h1:1,h2:2?key=trans/b.B/In', /dtm drops/],
    ['consul://h:8500/s?wait=14s/b.B/In', /dtm drops/],
    ['consul://h:8500/s?wait=14s', /dtm drops/],
    ['nacos://u:p@h:8848/s?namespaceid=x/b.B/In', /dtm drops/],
    ['polaris://svc/b.B/In?namespace=Test', /for polaris:\/\/ use dtm-driver-polaris$/],
    ['protocol1://localhost:1/b.B/In', /three parts that are not empty must follow protocol1:\/\/localhost:1; /],
    ['etcd://[x/s/m', /IPv6 addresses in brackets/],
    ['h:1//b.B/In', /as host:port\/pkg.Service\/Method/],
    ['etcd://h:1//b.B/In', /three parts that are not empty/],
    ['etcd:///a%2Fb/b.B/In', /a slash that '%' encodes/],
    ['etcd://u:p@h:2379/trans/b.B/In', /without a user/],
    ['etcd:///служба/b.B/In', /printable ASCII/],
    ['etcd:///s/b.B/In\n', /printable ASCII/],
  ])('is refused when Go splits it wrongly, drops a part or panics: %s', (uri, message) => {
    expect(() => splitBranchUrl(uri, KIND)).toThrow(message);
    expect(() => splitBranchUrl(uri, KIND)).toThrow(DtmArgumentError);
  });

  it.each([
    ['etcd', 'dtm-driver-gozero or dtm-driver-ego'],
    ['discov', 'dtm-driver-gozero'],
    ['consul', 'dtm-driver-gozero'],
    ['nacos', 'dtm-driver-gozero or dtm-driver-springcloud'],
    ['direct', 'dtm-driver-gozero or dtm-driver-kratos'],
    ['k8s', 'dtm-driver-gozero or dtm-driver-ego'],
    ['discovery', 'dtm-driver-kratos or dtm-driver-sponge'],
    ['polaris', 'dtm-driver-polaris'],
    ['protocol1', 'dtm-driver-protocol1'],
    ['daprgrpc', 'dtm-driver-dapr'],
  ])('with the scheme %s of another driver names that driver', (scheme, names) => {
    expect(() =>
      splitBranchUrl(`${scheme}:///s/b.B/In`, { driver: 'mine', schemes: { own: 'own:///s/b.B/In' } }),
    ).toThrow(`the driver mine accepts host:port/pkg.Service/Method or own:///s/b.B/In; for ${scheme}:// use ${names}`);
  });

  it.each(['nobody', 'constructor', 'toString'])('with the unknown scheme %s names no driver', (scheme) => {
    expect(() => splitBranchUrl(`${scheme}:///s/b.B/In`, KIND)).toThrow(
      /; for \w+:\/\/ use a driver that serves the scheme$/,
    );
  });

  it('is shown without its password', () => {
    const uri = 'nacos://user:secret@h:8848/s/b.B/In';
    expect(() => splitBranchUrl(uri, KIND)).toThrow("branch URL 'nacos://***@h:8848/s/b.B/In' is invalid: ");
    expect(() => splitBranchUrl(uri, { driver: 'default', schemes: {} })).not.toThrow('secret');
  });
});
