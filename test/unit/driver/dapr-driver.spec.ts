import { daprDriver, daprPayload } from 'nestjs-dtm/driver/dapr';
import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

const driver = daprDriver();

beforeEach(() => {
  vi.stubEnv('DAPR_GRPC_PORT', '50001');
  vi.stubEnv('DAPR_HTTP_PORT', '3500');
  return () => void vi.unstubAllEnvs();
});

describe('gRPC branches of Dapr', () => {
  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['daprgrpc://DAPR_ENV/app/m', 'daprgrpc://localhost:50001/app', '/m'],
    ['daprgrpc://10.0.0.1:1/app/api/m-1', 'daprgrpc://10.0.0.1:1/app', '/api/m-1'],
    ['DAPRPGRPC://DAPR_ENV/app/b.B/In', 'daprpgrpc://localhost:50001/app', '/b.B/In'],
  ])('%s is called as in Go', (uri, server, method) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each([
    ['h:9000', "no '/' found"],
    ['', "no '/' found"],
    ['/b.B/In', 'host:port/pkg.Service/Method'],
    ['etcd://h:2379/trans/b.B/In', 'dtm-driver-gozero'],
    ['daprpgrpc://DAPR_ENV/app', 'daprpgrpc://DAPR_ENV/app-id/pkg.Service/Method'],
    ['daprpgrpc://DAPR_ENV/app/In', 'daprpgrpc://DAPR_ENV/app-id/pkg.Service/Method'],
    ['daprpgrpc:///app/b.B/In', 'scheme://DAPR_ENV/app-id'],
    ['daprpgrpc://localhost/app/b.B/In', 'scheme://DAPR_ENV/app-id'],
    ['daprpgrpc://DAPR_ENV/../b.B/In', 'scheme://DAPR_ENV/app-id'],
    ['daprpgrpc://DAPR_ENV/a pp/b.B/In', 'scheme://DAPR_ENV/app-id'],
    ['daprgrpc://DAPR_ENV/app/', 'daprgrpc://DAPR_ENV/app-id/method'],
    ['daprgrpc://DAPR_ENV/app/m?x=1', 'daprgrpc://DAPR_ENV/app-id/method'],
    ['daprhttp://DAPR_ENV/app/m', 'expected a gRPC branch as'],
  ])('%j is refused', (uri, why) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(DtmArgumentError);
    expect(() => driver.parseServerMethod(uri)).toThrow(why);
  });

  it.each([undefined, '', 'x', '0'])('have no sidecar when DAPR_GRPC_PORT is %j', (port) => {
    vi.stubEnv('DAPR_GRPC_PORT', port);
    expect(() => driver.parseServerMethod('daprgrpc://DAPR_ENV/app/m')).toThrow(/DAPR_GRPC_PORT/);
    // the coordinator has its own sidecar
    expect(driver.branchUrl!('daprgrpc://DAPR_ENV/app', '/m')).toBe('daprgrpc://DAPR_ENV/app/m');
  });

  it('through the proxy carry the application in a header', () => {
    const call = { server: 'daprpgrpc://localhost:1/app', method: '/b.B/In', message: Buffer.from('x') };
    expect(driver.interceptGrpc!({ ...call, metadata: [['dtm-gid', 'g']] })).toEqual({
      ...call,
      metadata: [
        ['dtm-gid', 'g'],
        ['dapr-app-id', 'app'],
      ],
    });
    expect(driver.interceptGrpc!(call).metadata).toEqual([['dapr-app-id', 'app']]);
  });

  it("by Dapr's API carry the application, and keep the rest of their message", () => {
    const request = daprPayload('{}', 'a/b');
    // message 3 { data 2 { value 2 }, content_type 3 }
    expect(request.toString('latin1')).toBe('\u001a\u000b\u0012\u0004\u0012\u0002{}\u001a\u0003a/b');
    const metadata = [['dtm-gid', 'g']] as const;
    const call = driver.interceptGrpc!({
      server: 'daprgrpc://localhost:1/app',
      method: '/m',
      message: request,
      metadata,
    });
    expect(call).toMatchObject({ method: '/dapr.proto.runtime.v1.Dapr/InvokeService', metadata });
    // id 1, message 3 { method 1 }
    expect(call.message.toString('latin1')).toBe(`${request.toString('latin1')}\n\u0003app\u001a\u0003\n\u0001m`);
  });

  it('other calls do not change', () => {
    const call = { server: 'h:1', method: '/b.B/In', message: Buffer.alloc(0) };
    expect(driver.interceptGrpc!(call)).toBe(call);
  });
});

describe('HTTP branches of Dapr', () => {
  const http = driver.http!;

  it.each([
    ['daprphttp://DAPR_ENV/app/path?x=1', 'http://localhost:3500/path?x=1', { 'dapr-app-id': 'app' }],
    ['daprphttp://10.0.0.1:1/app/a/b', 'http://10.0.0.1:1/a/b', { 'dapr-app-id': 'app' }],
    ['daprphttp://DAPR_ENV/app', 'http://localhost:3500/', { 'dapr-app-id': 'app' }],
    ['daprhttp://DAPR_ENV/app/a/b?x=1', 'http://localhost:3500/v1.0/invoke/app/method/a/b?x=1', undefined],
  ])('%s is called as in Go', async (url, to, headers) => {
    expect(http.isNamed(url, 'branch') && http.isNamed(url, 'coordinator')).toBe(true);
    expect(() => http.check(url)).not.toThrow();
    expect(await http.resolve(url)).toEqual({ url: to, ...(headers && { headers }) });
    expect(driver.branchUrl!(url, '')).toBe(url);
  });

  it.each(['http://h/x', 'https://h/x', 'daprgrpc://DAPR_ENV/app/m', 'nacos://bank/x'])('%s has no name', (url) => {
    expect(http.isNamed(url, 'branch')).toBe(false);
  });

  it.each([
    'daprhttp://DAPR_ENV/app',
    'daprhttp://DAPR_ENV/app/?x',
    'daprphttp://u@h:1/app/x',
    'daprphttp://h:1/a%2f/x',
  ])('%s is refused', async (url) => {
    expect(() => http.check(url)).toThrow(DtmArgumentError);
    await expect(http.resolve(url)).rejects.toThrow(DtmArgumentError);
  });

  it('have no sidecar when DAPR_HTTP_PORT is not set', () => {
    vi.stubEnv('DAPR_HTTP_PORT', undefined);
    expect(() => http.check('daprphttp://DAPR_ENV/app/x')).toThrow(/DAPR_HTTP_PORT/);
  });
});

it('nothing is registered with Dapr', async () => {
  const registration = await driver.registerService('', '');
  onTestFinished(() => registration.close());
  expect(registration.problem).toBeUndefined();
});
