import { describe, expect, it } from 'vitest';
import { formatHostPort, listenerAddress, parseHostPort } from '../../../lib/support/host-port.js';

describe('host and port', () => {
  it.each([
    ['localhost:36790', { host: 'localhost', port: 36_790 }],
    ['bank_1.svc.cluster.local:80', { host: 'bank_1.svc.cluster.local', port: 80 }],
    ['bank.svc.cluster.local.:80', { host: 'bank.svc.cluster.local.', port: 80 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('reads %s, and formats the same', (text, address) => {
    expect(parseHostPort(text)).toEqual(address);
    expect(formatHostPort(address)).toBe(text);
  });

  it.each([
    '',
    'localhost',
    ':80',
    'a:0',
    'a:65536',
    '-a:80',
    '::1:80',
    '[::g]:80',
    'a:80/',
    'http://a:80',
    'a b:80',
    '..:80',
  ])('does not read %j', (text) => {
    expect(parseHostPort(text)).toBeUndefined();
  });

  it.each([
    ['0.0.0.0', '127.0.0.1:80'],
    ['::', '127.0.0.1:80'],
    ['::1', '[::1]:80'],
    ['10.0.0.1', '10.0.0.1:80'],
  ])('reaches a listener on %s at %s', (host, address) => {
    expect(listenerAddress({ host, port: 80 })).toBe(address);
  });
});
