import { connect } from 'node:http2';
import { connect as plainConnect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type DtmDriver, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { GrpcClient, requestMessage } from '../../support/grpc-client.js';
import { startGrpcCoordinator } from '../../support/grpc-coordinator.js';
import { get } from '../../support/http-client.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { steps: [{ action: 'b:1/b.B/A' }], payloads: [''], TransOptions: { WaitResult: true } };

function make(options: EmbeddedServerOptions) {
  const logger = new RecordingLogger();
  const server = embeddedServer({ store: memoryStore(), logger, ...options });
  onTestFinished(() => server.close());
  return { server, logger };
}

/** A port in use. */
async function takenPort(): Promise<number> {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  return (other.address() as AddressInfo).port;
}

async function isRefused(address: string): Promise<boolean> {
  const client = new GrpcClient(address);
  return (await client.answer('NewGid')).startsWith('UNAVAILABLE');
}

describe('the gRPC API', () => {
  it('listens only when it has a port', async () => {
    const { server } = make({ listen: { port: 0 } });
    await server.open();
    expect(server.grpcAddress).toBeUndefined();
    const both = make({ listen: { port: 0, grpcPort: 0 } }).server;
    expect(both.grpcAddress).toBeUndefined();
    await both.open();
    expect(both.grpcAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    await both.close();
    expect(both.grpcAddress).toBeUndefined();
  });

  it.each([
    ['0.0.0.0', /^127\.0\.0\.1:\d+$/],
    ['::', /^127\.0\.0\.1:\d+$/],
    ['::1', /^\[::1\]:\d+$/],
    ['localhost', /^localhost:\d+$/],
  ])('listens on %s', async (host, address) => {
    const { server } = make({ listen: { host, port: 0, grpcPort: 0 } });
    await server.open();
    expect(server.grpcAddress).toMatch(address);
    expect(await new GrpcClient(server.grpcAddress!).answer('NewGid')).toBe('OK');
  });

  it('whose port is in use fails with a message and leaves nothing open', async () => {
    const grpcPort = await takenPort();
    const { server } = make({ listen: { port: 0, grpcPort } });
    const error: unknown = await server.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DtmConfigError);
    expect(error).toMatchObject({
      message: `gRPC cannot listen on 127.0.0.1:${grpcPort}: the port is in use; stop the other process or choose another gRPC port`,
      cause: expect.any(Error),
    });
    expect([server.address, server.grpcAddress]).toEqual([undefined, undefined]);
  });

  it('does not open without the HTTP API', async () => {
    const port = await takenPort();
    const { server } = make({ listen: { port, grpcPort: 0 } });
    await expect(server.open()).rejects.toThrow();
    expect(server.grpcAddress).toBeUndefined();
  });

  it('can be opened again when the port is free', async () => {
    const { server } = make({ listen: { port: 0, grpcPort: 0 } });
    await server.open();
    const grpcPort = Number(server.grpcAddress!.split(':')[1]);
    const second = make({ listen: { port: 0, grpcPort } }).server;
    await expect(second.open()).rejects.toThrow(/port is in use/);
    await server.close();
    const third = make({ listen: { port: 0, grpcPort } }).server;
    await third.open();
    expect(await new GrpcClient(third.grpcAddress!).answer('NewGid')).toBe('OK');
  });
});

describe('close() of a coordinator with a gRPC API', () => {
  it('answers the calls that have arrived and accepts no new ones', async () => {
    const dtm = await startGrpcCoordinator();
    const held = dtm.transport.hold('01 action');
    const submit = dtm.answer('Submit', requestMessage('g', 'saga', SAGA));
    await held.arrived;
    let isClosed = false;
    const closing = dtm.server.close().then(() => (isClosed = true));
    await waitUntil(async () => (await dtm.answer('NewGid')).startsWith('UNAVAILABLE'));
    // longer than the time-out of idle clients
    await sleep(1500);
    expect(isClosed).toBe(false);
    held.answer({ kind: 'success', body: '' });
    expect(await submit).toBe('OK');
    await closing;
    expect(await isRefused(dtm.address)).toBe(true);
  });

  it('disconnects clients that are idle or have not finished a call', async () => {
    const dtm = await startGrpcCoordinator();
    const silent = connect(`http://${dtm.address}`);
    const slow = connect(`http://${dtm.address}`);
    const ends: string[] = [];
    silent.once('close', () => ends.push('silent'));
    slow.once('close', () => ends.push('slow'));
    for (const session of [silent, slow]) session.on('error', () => undefined);
    const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = slow.request({ ...headers, ':path': '/dtmgimp.Dtm/Submit' });
    stream.on('error', () => undefined);
    stream.write(Buffer.from([0, 0, 0]));
    expect(await dtm.answer('NewGid')).toBe('OK');
    await dtm.server.close();
    await waitUntil(() => ends.length === 2);
  });

  it('disconnects clients that do not read', async () => {
    const { server } = make({ listen: { port: 0, grpcPort: 0 } });
    await server.open();
    const port = Number(server.grpcAddress!.split(':')[1]);
    // a proxy that keeps its connection open and has stopped reading
    const inner = plainConnect(port, '127.0.0.1');
    const proxy = createServer((outer) => void outer.pipe(inner).pipe(outer));
    await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      inner.destroy();
      proxy.close();
    });
    expect(await new GrpcClient(`127.0.0.1:${(proxy.address() as AddressInfo).port}`).answer('NewGid')).toBe('OK');
    inner.pause();
    const start = Date.now();
    await server.close();
    expect(Date.now() - start).toBeLessThan(5000);
  });

  it('refuses a call whose message arrives only during close()', async () => {
    const dtm = await startGrpcCoordinator();
    const held = dtm.transport.hold('01 action');
    const submit = dtm.answer('Submit', requestMessage('g', 'saga', SAGA));
    await held.arrived;
    const session = connect(`http://${dtm.address}`);
    session.on('error', () => undefined);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/dtmgimp.Dtm/NewGid',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined);
    const status = new Promise<string>((resolve) => {
      stream.once('response', (answer) => resolve(String(answer['grpc-status'])));
    });
    stream.write(Buffer.from([0, 0]));
    expect(await dtm.answer('NewGid')).toBe('OK');
    const closing = dtm.server.close();
    stream.end(Buffer.from([0, 0, 0]));
    expect(await status).toBe('14');
    held.answer({ kind: 'success', body: '' });
    expect(await submit).toBe('OK');
    await closing;
  });
});

describe('the registration of the coordinator', () => {
  const SERVICE = { target: 'registry://r/dtmservice', endpoint: 'dtm:36790' };

  function driver(log: string[], change: Partial<DtmDriver> = {}): DtmDriver {
    return {
      name: 'own',
      registerGrpcResolver: () => undefined,
      registerService: async (target, endpoint) => {
        log.push(`register ${target} ${endpoint}`);
        return { close: async () => void log.push('deregister') };
      },
      parseServerMethod: () => ({ server: '', method: '' }),
      ...change,
    };
  }

  it('lasts as long as the coordinator is open', async () => {
    const log: string[] = [];
    const { server } = make({ driver: driver(log), register: SERVICE });
    expect(log).toEqual([]);
    await server.open();
    expect(log).toEqual(['register registry://r/dtmservice dtm:36790']);
    await server.close();
    await server.close();
    expect(log).toEqual(['register registry://r/dtmservice dtm:36790', 'deregister']);
  });

  it('happens when the API listens', async () => {
    let overHttp = 0;
    const listen = { port: 0, grpcPort: 0 };
    const own = driver([], {
      registerService: async () => {
        overHttp = (await get(`${server.address}/version`)).status;
        return { close: async () => undefined };
      },
    });
    const { server } = make({ driver: own, register: SERVICE, listen });
    await server.open();
    expect(overHttp).toBe(200);
  });

  it('that fails makes open() fail and leaves nothing open', async () => {
    const own = driver([], { registerService: () => Promise.reject(new Error('registry down')) });
    const { server } = make({ driver: own, register: SERVICE, listen: { port: 0, grpcPort: 0 } });
    await expect(server.open()).rejects.toThrow('registry down');
    expect([server.address, server.grpcAddress]).toEqual([undefined, undefined]);
  });

  it('that cannot be removed is reported, and the coordinator closes', async () => {
    const close = (): Promise<void> => Promise.reject(new Error('registry down'));
    const own = driver([], { registerService: async () => ({ close }) });
    const { server, logger } = make({ driver: own, register: SERVICE });
    await server.open();
    await server.close();
    expect(logger.lines).toContainEqual({
      level: 'warn',
      message: 'the coordinator could not be removed from the registry',
      fields: { error: 'Error: registry down' },
    });
  });

  it('has no effect with the default driver, which is a warning', async () => {
    const { server, logger } = make({ register: SERVICE });
    await server.open();
    const problem =
      'the option register has no effect: the driver default registers nothing; remove the option, or use a driver with a registry';
    expect(logger.lines).toContainEqual(expect.objectContaining({ level: 'warn', message: problem }));
    expect(server.registrationProblem).toBe(problem);
    await server.close();
  });

  it('cannot use an unknown driver', () => {
    expect(() => make({ driver: 'dtm-driver-other' })).toThrow(
      /driver "dtm-driver-other" does not exist; expected one of/,
    );
  });
});
