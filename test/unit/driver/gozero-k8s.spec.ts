import { K8sAddresses } from '../../../lib/driver/gozero/k8s-addresses.js';
import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';

const addresses = new K8sAddresses();

it.each([
  ['', 'bank'],
  ['shop', 'bank:50051'],
  ['shop', 'bank:0'],
])('k8s://%s/%s is a service of go-zero', (authority, path) => {
  expect(() => addresses.parse({ scheme: 'k8s', authority, path })).not.toThrow();
});

it.each([
  ['', ''],
  ['shop', ''],
  ['../x', 'bank'],
  ['shop', '../x'],
  ['shop', 'bank:99999'],
  ['shop', 'bank:grpc'],
  ['shop', 'bank?x=1'],
  ['shop', 'bänk'],
  ['a b', 'bank'],
])('k8s://%s/%s is not a service of go-zero', (authority, path) => {
  expect(() => addresses.parse({ scheme: 'k8s', authority, path })).toThrow(DtmArgumentError);
});
