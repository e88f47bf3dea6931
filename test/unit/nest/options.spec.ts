import { dtmHttpClient } from 'nestjs-dtm/client';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { DtmConfigError, type DtmConnection } from 'nestjs-dtm/protocol';
import { describe, expect, test } from 'vitest';
import type { DtmModuleOptions } from '../../../lib/nest/options/dtm.options.js';
import { parseDtmOptions } from '../../../lib/nest/options/parse-dtm-options.js';

const resolve = (raw: unknown) => parseDtmOptions(raw as DtmModuleOptions);

describe('parseDtmOptions', () => {
  test('makes a server of a URL', () => {
    expect(resolve({ server: 'http://dtm:36789' })).toMatchObject({
      server: expect.objectContaining({ address: 'http://dtm:36789/api/dtmsvr' }) as DtmConnection,
      endpointHttp: undefined,
      endpointGrpc: undefined,
      driver: { name: 'default' },
    });
  });

  test('takes a server object as it is, and leaves its argument alone', () => {
    const server = dtmHttpClient('https://dtm.example/base');
    const raw = Object.freeze({
      server,
      driver: 'default',
      endpoint: Object.freeze({ http: 'https://bank.example/app/', grpc: 'bank.example:50051' }),
    });
    expect(resolve(raw)).toMatchObject({
      endpointHttp: 'https://bank.example/app',
      endpointGrpc: 'bank.example:50051',
    });
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

  test.each([
    ['x-request-id', /forwardHeaders is "x-request-id"; give names such as/],
    [['x request'], /forwardHeaders: "x request" is not the name of a header/],
    [[1], /forwardHeaders: 1 is not the name of a header/],
    [['Authorization'], /Authorization belongs to one request and is not passed on.*branchHeaders/],
    [['cookie'], /cookie belongs to one request/],
    [['content-type'], /content-type belongs to one request/],
    [['dtm-gid'], /dtm-gid belongs to one request/],
  ])('forwardHeaders may not be %j', (forwardHeaders, message) => {
    expect(() => resolve({ server: 'http://dtm', forwardHeaders })).toThrow(message);
    expect(() => resolve({ server: 'http://dtm', forwardHeaders })).toThrow(DtmConfigError);
  });

  test('forwardHeaders may not be what branchHeaders gives', () => {
    const options = { server: 'http://dtm', branchHeaders: { 'X-Key': 'k' }, forwardHeaders: ['x-key'] };
    expect(() => resolve(options)).toThrow(/branchHeaders gives x-key, which a request must not replace/);
    expect(() => resolve(options)).toThrow(DtmConfigError);
  });

  test.each(['bank:50051', '127.0.0.1:1', '[::1]:50051'])('endpoint.grpc may be %j', (grpc) => {
    expect(resolve({ server: 'http://dtm', endpoint: { grpc } }).endpointGrpc).toBe(grpc);
  });

  test('endpoint.grpc may be what the driver understands, and nothing else', () => {
    const options = (grpc: string) => ({ server: 'http://dtm', driver: goZeroDriver(), endpoint: { grpc } });
    expect(resolve(options('etcd://etcd:2379/bank')).endpointGrpc).toBe('etcd://etcd:2379/bank');
    expect(() => resolve(options('discovery:///bank'))).toThrow(
      /endpoint.grpc cannot be the base of a branch URL: .*discovery.*dtm-driver-kratos/,
    );
    expect(() => resolve(options('etcd://etcd:2379/bank/more'))).toThrow(/endpoint.grpc cannot be the base of/);
    expect(() => resolve(options('etcd://user:secret@etcd:2379/bank'))).toThrow(/Go dtm ignores the user/);
  });

  test.each([
    [{}, /register needs two strings, target and endpoint/],
    [{ target: 'etcd://etcd:2379/bank' }, /register needs two strings/],
    [
      { target: 'etcd://etcd:2379/bank', endpoint: 'bank' },
      /the endpoint "bank" is not an address that others can call/,
    ],
    [{ target: 'http://etcd:1/bank', endpoint: 'bank:1' }, /the target has the scheme "http"; expected etcd/],
    [{ target: 'etcd://etcd:2379/..', endpoint: 'bank:1' }, /the service in the target/],
    [{ target: 'etcd://etcd:2379/bank', endpoint: 'bank:1', ttl: 1 }, /register has no "ttl"; known: target, endpoint/],
  ])('register must not be %j', (register, message) => {
    const options = { server: 'http://dtm', driver: goZeroDriver(), register };
    expect(() => resolve(options)).toThrow(message);
    expect(() => resolve(options)).toThrow(DtmConfigError);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /options must be an object, not undefined; import DtmModule\.forRoot\(\{ server: … \}\), or return/],
    [null, /options must be an object, not null/],
    ['http://dtm', /options must be an object, not "http:\/\/dtm"/],
    [[], /options must be an object, not an array/],
    [{}, /server is undefined; give the URL of a dtm, or an object such as embeddedServer\(\)/],
    [{ server: null }, /server is null/],
    [{ server: 36789 }, /server is 36789/],
    [{ server: 'dtm:36789/api' }, /server "dtm:36789\/api" is not the address of a coordinator/],
    [{ server: 'dtm' }, /server "dtm" is not the address of a coordinator/],
    [
      { server: { newGid: () => 1, close: 1 } },
      /server is an object without prepare, submit, .*, open, recover, close;/,
    ],
    [{ server: 'http://dtm', driver: 'dtm-driver-other' }, /driver "dtm-driver-other"/],
    [{ server: 'http://dtm', driver: {} }, /driver an object is not a driver; give the name of a driver/],
    [
      { server: 'http://dtm', endPoint: {} },
      /options has no "endPoint"; known: server, driver, endpoint, register, databases, protos/,
    ],
    [
      { server: 'http://dtm', endpoint: 'http://bank' },
      /endpoint must be an object, not "http:\/\/bank"; give \{ http: <base URL>, grpc: <host:port> \}/,
    ],
    [{ server: 'http://dtm', endpoint: { tcp: 'x' } }, /endpoint has no "tcp"; known: http, grpc/],
    [{ server: 'http://dtm', endpoint: { grpc: 'x' } }, /endpoint\.grpc "x" is not a gRPC address/],
    [{ server: 'http://dtm', endpoint: { grpc: 'http://x:1' } }, /endpoint\.grpc "http:\/\/x:1" is not a gRPC address/],
    [{ server: 'http://dtm', endpoint: { grpc: 'etcd://x/bank/' } }, /endpoint\.grpc "etcd:\/\/x\/bank\/" is not/],
    [
      { server: 'http://dtm', shutdownTimeoutSeconds: '20' },
      /DtmModule: shutdownTimeoutSeconds is "20"; give a number of seconds, 0 or more/,
    ],
    [
      { server: 'http://dtm', exposeErrorTextsToCallers: 'yes' },
      /DtmModule: exposeErrorTextsToCallers is "yes"; give true or false/,
    ],
    [{ server: 'http://dtm', branchHeaders: 'secret' }, /branchHeaders is a text; give an object such as/],
    [{ server: 'http://dtm', branchHeaders: { a: undefined } }, /branchHeaders\.a must be a text, not undefined/],
    [{ server: 'http://dtm', branchHeaders: { a: 1 } }, /branchHeaders\.a must be a text, not number/],
    [{ server: 'http://dtm', branchHeaders: { 'a b': '' } }, /branchHeaders: branch header "a b" has a name or value/],
    [{ server: 'http://dtm', swagger: 'yes' }, /swagger is "yes"; give true or false/],
    [{ server: 'http://dtm', protos: 'bank.proto' }, /protos is "bank.proto"; give \{ protoPath/],
    [{ server: 'http://dtm', databases: [] }, /databases must be an object, not an array; give \{ default: /],
    [{ server: 'http://dtm', databases: { 'a b': {} } }, /databases\.a b: the name is part of URLs/],
    [{ server: 'http://dtm', databases: { a: { orm: 1 } } }, /databases\.a has no "orm"/],
    [
      { server: 'http://dtm', databases: { a: { barrier: 'x' } } },
      /databases\.a\.barrier must be a barrier adapter, not "x"/,
    ],
    [
      { server: 'http://dtm', databases: { a: { table: 'drop' } } },
      /databases\.a\.table must be 'create' or 'check', not/,
    ],
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
