import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { protocol1Driver } from '../../../lib/driver/index.js';
import { branchTransport } from '../../../lib/transport/index.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { PlainGrpcClient } from '../../support/plain-grpc-client.js';

const driver = protocol1Driver();

describe('dtm-driver-protocol1', () => {
  it('has the name of the guide, and no registry', async () => {
    expect(driver.name).toBe('dtm-driver-protocol1');
    const registration = await driver.registerService('protocol1:///localhost:36790', 'localhost:36790');
    expect(registration.problem).toMatch(
      /^the option register has no effect: the driver dtm-driver-protocol1 registers/,
    );
    await registration.close();
    await expect(registration.close()).resolves.toBeUndefined();
  });

  it.each([
    ['protocol1:///localhost:1/b.B/In', 'protocol1:///localhost:1', '/b.B/In'],
    ['PROTOCOL1:///localhost:1/b.B/In', 'protocol1:///localhost:1', '/b.B/In'],
    ['protocol1:///[::1]:50051/pkg.Service/Method', 'protocol1:///[::1]:50051', '/pkg.Service/Method'],
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
  ])('calls %s', (uri, server, method) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each([
    // two slashes: Go takes half of the method for the address
    'protocol1://localhost:1/b.B/In',
    'protocol1://user/localhost:1/b.B/In',
    'protocol1:///localhost/b.B/In',
    'protocol1:///localhost:0/b.B/In',
    'protocol1:///localhost:65536/b.B/In',
    'protocol1:///a:1,b:2/b.B/In',
    'protocol1:///localhost:1/b.B',
    'protocol1:///localhost:1/b.B/In?x=1',
    'protocol1:///localhost:1/b.B/In/More',
    'protocol1:///localhost:1//In',
    'protocol1://',
  ])('refuses %s, and shows the format with three slashes', (uri) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(DtmArgumentError);
    expect(() => driver.parseServerMethod(uri)).toThrow(
      'protocol1:///host:port/pkg.Service/Method, with three slashes',
    );
  });

  it('names the driver of another scheme', () => {
    expect(() => driver.parseServerMethod('etcd:///trans/b.B/In')).toThrow(
      'or protocol1:///host:port/pkg.Service/Method, with three slashes; for etcd:// use dtm-driver-gozero or dtm-driver-ego',
    );
  });
});

describe('addresses of dtm-driver-protocol1 in gRPC', () => {
  beforeAll(() => driver.registerGrpcResolver());

  it('may be registered again, also by another application of the process', async () => {
    await driver.registerGrpcResolver();
    await protocol1Driver().registerGrpcResolver();
  });

  it.each(['protocol1:///', 'protocol1://'])('are found after %s, by Nest and any other client', async (prefix) => {
    const server = await GrpcParticipant.start();
    server.answer('b.B/In', REPLIES.success);
    expect(await new PlainGrpcClient(prefix + server.address).call('/b.B/In')).toBe('OK');
    expect(await new PlainGrpcClient(prefix + server.address.replace('127.0.0.1', 'localhost')).call('/b.B/In')).toBe(
      'OK',
    );
  });

  it.each(['protocol1:///localhost', 'protocol1://a:1/b:2', 'protocol1:///a:1,b:2', 'protocol1://u:p@h:1'])(
    '%s is refused when the client is created',
    (url) => {
      expect(() => new PlainGrpcClient(url)).toThrow(/address .* is invalid: .* as protocol1:\/\/\/host:port/);
      expect(() => new PlainGrpcClient(url)).not.toThrow(/u:p/);
    },
  );

  it('are also those of branches', async () => {
    const server = await GrpcParticipant.start();
    server.answer('bank.Bank/In', REPLIES.success, REPLIES.failure);
    const transport = branchTransport({ driver: protocol1Driver() });
    onTestFinished(() => transport.close());
    const context = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;
    const url = `protocol1:///${server.url('bank.Bank/In')}`;
    const call = { url, context, payload: 'x', protocol: 'grpc', timeoutSeconds: 5 } as const;
    expect(() => transport.check?.(call)).not.toThrow();
    expect(await transport.call(call)).toMatchObject({ kind: 'success' });
    expect(await transport.call(call)).toMatchObject({ kind: 'failure', message: 'no money' });
    expect(server.lines).toEqual(['/bank.Bank/In 01 action', '/bank.Bank/In 01 action']);
    // over one connection
    expect(new Set(server.calls.map(({ peer }) => peer)).size).toBe(1);
  });

  it('are not called through a proxy of the environment; your own client needs an option for that', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
    const server = await GrpcParticipant.start();
    server.answer('b.B/In', REPLIES.success);
    const transport = branchTransport({ driver });
    onTestFinished(() => transport.close());
    const context = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;
    const url = `protocol1:///${server.url('b.B/In')}`;
    expect(await transport.call({ url, context, payload: '', protocol: 'grpc', timeoutSeconds: 5 })).toMatchObject({
      kind: 'success',
    });
    const target = `protocol1:///${server.address}`;
    expect(await new PlainGrpcClient(target, { 'grpc.enable_http_proxy': 0 }).call('/b.B/In')).toBe('OK');
    expect(await new PlainGrpcClient(target, { 'grpc.enable_http_proxy': 1 }).call('/b.B/In')).toMatch(/^UNAVAILABLE/);
  });

  it('fail when nothing listens there', async () => {
    const server = await GrpcParticipant.start();
    server.stop();
    expect(await new PlainGrpcClient(`protocol1:///${server.address}`).call('/b.B/In')).toMatch(
      /^UNAVAILABLE .*refused/i,
    );
  });
});
