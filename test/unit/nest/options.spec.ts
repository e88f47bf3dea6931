import { httpServer } from 'nestjs-dtm/client';
import { DtmConfigError, type DtmServer } from 'nestjs-dtm/protocol';
import { describe, expect, test } from 'vitest';
import { resolveDtmOptions, type DtmModuleOptions } from '../../../lib/nest/dtm.options.js';

const resolve = (raw: unknown) => resolveDtmOptions(raw as DtmModuleOptions);

describe('resolveDtmOptions', () => {
  test('makes a server of a URL', () => {
    expect(resolve({ server: 'http://dtm:36789' })).toEqual({
      server: expect.objectContaining({ address: 'http://dtm:36789/api/dtmsvr' }) as DtmServer,
      endpointHttp: undefined,
    });
  });

  test('takes a server object as it is, and leaves its argument alone', () => {
    const server = httpServer('https://dtm.example/base');
    const raw = Object.freeze({
      server,
      driver: 'default',
      endpoint: Object.freeze({ http: 'https://bank.example/app/' }),
    });
    expect(resolve(raw)).toEqual({ server, endpointHttp: 'https://bank.example/app' });
    expect(resolve(raw).server).toBe(server);
  });

  test.each([
    ['http://bank:3000', 'http://bank:3000'],
    ['http://bank:3000/', 'http://bank:3000'],
    ['http://bank:80', 'http://bank'],
    ['https://bank/a/b//', 'https://bank/a/b'],
    [undefined, undefined],
  ])('endpoint.http %j is %j', (http, expected) => {
    expect(resolve({ server: 'http://dtm', endpoint: { http } }).endpointHttp).toBe(expected);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /options must be an object, not undefined; give at least \{ server: … \}/],
    [null, /options must be an object, not null/],
    ['http://dtm', /options must be an object, not "http:\/\/dtm"/],
    [[], /options must be an object, not an object/],
    [{}, /server is undefined; give the URL of a dtm, or an object such as embeddedServer\(\)/],
    [{ server: null }, /server is null/],
    [{ server: 36789 }, /server is 36789/],
    [{ server: 'dtm:36789' }, /server "dtm:36789" has the scheme dtm:/],
    [{ server: 'dtm' }, /server "dtm" is not a URL/],
    [
      { server: { newGid: () => 1, close: 1 } },
      /server is an object without prepare, submit, .*, open, recover, close;/,
    ],
    [
      { server: 'http://dtm', driver: 'dtm-driver-gozero' },
      /driver "dtm-driver-gozero" does not exist in this version; the only one is 'default'/,
    ],
    [{ server: 'http://dtm', driver: {} }, /driver an object does not exist/],
    [{ server: 'http://dtm', endPoint: {} }, /options has no "endPoint"; known: server, driver, endpoint/],
    [
      { server: 'http://dtm', endpoint: 'http://bank' },
      /endpoint must be an object, not "http:\/\/bank"; give \{ http: <base URL> \}/,
    ],
    [{ server: 'http://dtm', endpoint: { grpc: 'x' } }, /endpoint has no "grpc"; known: http/],
    [
      { server: 'http://dtm', endpoint: { http: 'bank:3000' } },
      /endpoint\.http "bank:3000" is not an http or https URL/,
    ],
    [{ server: 'http://dtm', endpoint: { http: '' } }, /endpoint\.http "" is not an http or https URL/],
    [{ server: 'http://dtm', endpoint: { http: 3000 } }, /endpoint\.http 3000 is not/],
    [{ server: 'http://dtm', endpoint: { http: 'http://bank?a=1' } }, /must have no query, fragment or credentials/],
    [{ server: 'http://dtm', endpoint: { http: 'http://bank/#a' } }, /must have no query, fragment or credentials/],
    [{ server: 'http://dtm', endpoint: { http: 'http://u:p@bank' } }, /must have no query, fragment or credentials/],
  ])('refuses %j', (raw, message) => {
    expect(() => resolve(raw)).toThrow(DtmConfigError);
    expect(() => resolve(raw)).toThrow(message);
  });
});
