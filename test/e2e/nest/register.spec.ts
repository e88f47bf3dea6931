import { connect } from 'node:net';
import { Controller, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { BranchPayload, DtmModule, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import type { DtmDriver, PreparedService, RegisterOptions } from 'nestjs-dtm/driver';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultDriver } from '../../../lib/driver/index.js';
import { freePorts } from '../../services/free-ports.mjs';
import { closeApps, startApp } from './app.js';

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  transIn(@BranchPayload() { amount }: { readonly amount: number }) {
    expect(amount).toBe(1);
  }
}

/** Records its calls. */
class NotingDriver implements DtmDriver {
  readonly name = 'dtm-driver-noting';
  readonly notes: string[] = [];
  readonly http: DtmDriver['http'];
  report: RegisterOptions['report'];
  problem: string | undefined;
  /** Runs before an instance is registered or deregistered. */
  look: (what: string) => Promise<void> | void = () => undefined;

  registerGrpcResolver(): void {
    this.notes.push('resolver');
  }

  async registerService(target: string, endpoint: string, { report }: RegisterOptions = {}) {
    await this.look('enter');
    this.notes.push(`enter ${target} ${endpoint}`);
    this.report = report;
    report?.(this.problem);
    const problemOf = (): string | undefined => this.problem;
    return {
      get problem() {
        return problemOf();
      },
      close: async () => {
        await this.look('leave');
        this.notes.push('leave');
      },
    };
  }

  parseServerMethod(uri: string) {
    return defaultDriver().parseServerMethod(uri);
  }

  prepareService(target: string, endpoint: string): PreparedService {
    if (!target.startsWith('book://')) throw new DtmConfigError(`${target} is no book`);
    this.notes.push(`target ${target} ${endpoint}`);
    return { register: (options) => this.registerService(target, endpoint, options) };
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

describe('an application that registers itself', () => {
  afterEach(closeApps);

  test('is registered after it listens, and deregistered while it still listens', async () => {
    const driver = new NotingDriver();
    const [port] = (await freePorts(1)) as [number];
    const looks: string[] = [];
    driver.look = async (what) => void looks.push(`${what} ${await listens(port)}`);
    const register = { target: 'book:///bank', endpoint: `127.0.0.1:${port}` };
    const { app } = await startApp({ dtm: { driver, register }, controllers: [BankController], listen: false });
    await app.init();
    expect(driver.notes).toEqual([`target book:///bank 127.0.0.1:${port}`, 'resolver']);
    const dtm = app.get(DtmService);
    expect(dtm.registrationProblem).toBe('the application is not registered yet');
    await app.listen(port, '127.0.0.1');
    await expect.poll(() => driver.notes.at(-1)).toBe(`enter book:///bank 127.0.0.1:${port}`);
    expect(dtm.registrationProblem).toBeUndefined();
    await app.close();
    expect(driver.notes.at(-1)).toBe('leave');
    expect(looks).toEqual(['enter true', 'leave true']);
  });

  test('and has only gRPC is registered when its microservice listens', async () => {
    const driver = new NotingDriver();
    const [port] = (await freePorts(1)) as [number];
    const register = { target: 'book:///bank', endpoint: `grpc://127.0.0.1:${port},http://127.0.0.1:1` };
    const looks: boolean[] = [];
    driver.look = async () => void looks.push(await listens(port));
    const server = embeddedServer({ store: memoryStore() });
    const endpoint = { grpc: `127.0.0.1:${port}` };

    @Module({
      imports: [DtmModule.forRoot({ server, driver, register, endpoint })],
      controllers: [BankController],
    })
    class AppModule {}

    const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
      ...dtmGrpcOptions([BankController], { url: `127.0.0.1:${port}` }),
      logger: false,
    });
    await app.listen();
    await expect.poll(() => driver.notes.at(-1)).toBe(`enter book:///bank ${register.endpoint}`);
    await app.close();
    expect(driver.notes.at(-1)).toBe('leave');
    expect(looks[0]).toBe(true);
  });

  test('starts without the registry, and reports the problem', async () => {
    const driver = new NotingDriver();
    driver.problem = 'the registry is down';
    const { app, logs } = await startApp({
      dtm: { driver, register: { target: 'book:///bank', endpoint: 'token' } },
      controllers: [BankController],
    });
    const dtm = app.get(DtmService);
    await expect.poll(() => dtm.registrationProblem).toBe('the registry is down');
    expect(logs.of('DtmModule')).toContain('warn DtmModule: the registry is down');
    driver.problem = undefined;
    driver.report?.(undefined);
    expect(dtm.registrationProblem).toBeUndefined();
    expect(logs.of('DtmModule').at(-1)).toMatch(/^log DtmModule: registered/);
  });

  test('closes when the registry does not answer', async () => {
    const driver = new NotingDriver();
    const { app, logs } = await startApp({
      dtm: { driver, register: { target: 'book:///bank', endpoint: 'token' } },
      controllers: [BankController],
    });
    await expect.poll(() => driver.notes.length).toBe(3);
    driver.look = () => Promise.reject(new Error('no answer'));
    await app.close();
    expect(logs.of('DtmModule')).toContain('warn DtmModule: the application could not be deregistered: no answer');
  });

  test('closes when the registry and the driver never answer', async () => {
    const driver: DtmDriver = Object.assign(new NotingDriver(), {
      look: (what: string) => (what === 'leave' ? new Promise<void>(() => undefined) : undefined),
      close: () => new Promise<void>(() => undefined),
    });
    const { app, logs } = await startApp({
      dtm: { driver, register: { target: 'book:///bank', endpoint: 'token' }, shutdownTimeoutSeconds: 1 },
      controllers: [BankController],
    });
    await expect.poll(() => (driver as NotingDriver).notes.at(-1)).toBe('enter book:///bank token');
    await app.close();
    expect(logs.of('DtmModule').slice(-2)).toEqual([
      'warn DtmModule: shutdown goes on after 1 s although the registry did not close',
      'warn DtmModule: shutdown goes on after 1 s although the driver did not close',
    ]);
  });

  test('is not registered when it closes before it listens', async () => {
    const driver = new NotingDriver();
    const [port] = (await freePorts(1)) as [number];
    const register = { target: 'book:///bank', endpoint: `127.0.0.1:${port}` };
    const { app } = await startApp({ dtm: { driver, register }, controllers: [BankController] });
    await app.close();
    expect(driver.notes.filter((note) => note.startsWith('enter'))).toEqual([]);
  });

  test('does not start with a target that the driver cannot use', async () => {
    const register = { target: 'etcd://etcd:2379/bank', endpoint: '127.0.0.1:1' };
    await expect(startApp({ dtm: { driver: new NotingDriver(), register } })).rejects.toThrow(
      'etcd://etcd:2379/bank is no book',
    );
  });
});

describe('branches of an application whose driver finds HTTP services by name', () => {
  afterEach(closeApps);

  test('have URLs with its name', async () => {
    const driver = new NotingDriver();
    const http = {
      isNamed: (url: string) => url.startsWith('book://'),
      check: () => undefined,
      resolve: (url: string) => Promise.resolve({ url: url.replace('book://bank', origin()) }),
    };
    let app: INestApplication | undefined;
    const origin = (): string => `http://127.0.0.1:${(app!.getHttpServer().address() as { port: number }).port}`;
    const branchUrl = (service: string, method: string): string => service + method;
    const named = Object.assign(driver, { http, branchUrl });
    const server = embeddedServer({ store: memoryStore(), driver: named });
    ({ app } = await startApp({
      dtm: { server, driver: named, endpoint: { http: 'book://bank' } },
      controllers: [BankController],
    }));
    const dtm = app.get(DtmService);
    const gid = await dtm.saga().add(branchOf(BankController, 'transIn'), { amount: 1 }).submit({ waitResult: true });
    const details = await dtm.query(gid);
    expect(details?.transaction.protocol).toBe('http');
    expect(details?.branches.map(({ url }) => url)).toContain('book://bank/bank/transIn');
    expect(await dtm.resolveUrl('book://bank/accounts')).toEqual({ url: `${origin()}/accounts` });
    expect(await dtm.resolveUrl('http://shop/accounts')).toEqual({ url: 'http://shop/accounts' });
    const elsewhere = branchOf(BankController, 'transIn', { at: 'book://bank' });
    await dtm.saga().add(elsewhere, { amount: 1 }).submit({ waitResult: true });
  });
});
