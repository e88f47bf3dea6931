import { dtmClient } from 'nestjs-dtm/client';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { defaultDriver, protocol1Driver } from '../../../lib/driver/index.js';

describe('the client of a coordinator', () => {
  it.each([
    ['http://dtm:36789', 'http', 'http://dtm:36789/api/dtmsvr'],
    ['https://dtm/api/dtmsvr', 'http', 'https://dtm/api/dtmsvr'],
    ['HTTP://dtm:36789/api/dtmsvr', 'http', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/api/json-rpc', 'json-rpc', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/api/json-rpc/', 'json-rpc', 'http://dtm:36789/api/dtmsvr'],
    ['localhost:36790', 'grpc', 'localhost:36790'],
    ['10.0.0.1:36790', 'grpc', '10.0.0.1:36790'],
    ['[::1]:36790', 'grpc', '[::1]:36790'],
    ['grpc://dtm:36790', 'grpc', 'dtm:36790'],
    ['grpcs://dtm:36790', 'grpc', 'grpcs://dtm:36790'],
    ['dns:///dtm:36790', 'grpc', 'dns:///dtm:36790'],
  ])('at %s speaks %s', (url, protocol, address) => {
    expect(dtmClient(url)).toMatchObject({ protocol, address });
  });

  it('speaks gRPC with the schemes of a driver', () => {
    const driver = { ...defaultDriver(), name: 'mine' };
    expect(dtmClient('mine://dtm', { driver })).toMatchObject({ protocol: 'grpc', address: 'mine://dtm' });
    expect(dtmClient('localhost:36790', { driver })).toMatchObject({ protocol: 'grpc' });
    expect(dtmClient('etcd://etcd:2379/dtm', { driver })).toMatchObject({ protocol: 'grpc' });
    expect(dtmClient('http://dtm', { driver })).toMatchObject({ protocol: 'http' });
  });

  it('refuses the scheme of another driver', () => {
    const driver = protocol1Driver();
    expect(dtmClient('protocol1://localhost:36790', { driver })).toMatchObject({ protocol: 'grpc' });
    expect(() => dtmClient('etcd://etcd:2379/dtm', { driver })).toThrow(
      /pass the driver of this scheme: dtm-driver-gozero/,
    );
  });

  it.each([
    [
      '',
      /"" is not the address of a coordinator; expected something like http:\/\/localhost:36789 or, for gRPC, localhost:36790/,
    ],
    ['dtm', /"dtm" is not the address of a coordinator/],
    ['mailto:dtm@example', /is not the address/],
    ['mine://dtm', /does not know mine:\/\/ without a driver; pass the driver of this scheme$/],
    ['etcd://etcd:2379/dtmservice', /pass the driver of this scheme: dtm-driver-gozero or dtm-driver-ego$/],
    ['protocol1://localhost:36790', /pass the driver of this scheme: dtm-driver-protocol1$/],
    ['http://', /is not a URL/],
  ])('refuses %s', (url, message) => {
    for (const driver of [undefined, defaultDriver()]) {
      expect(() => dtmClient(url, { driver })).toThrow(DtmConfigError);
      expect(() => dtmClient(url, { driver })).toThrow(message);
    }
  });
});
