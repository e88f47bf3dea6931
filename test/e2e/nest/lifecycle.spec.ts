import {
  BadRequestException,
  Controller,
  Injectable,
  Module,
  ShutdownSignal,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  Branch,
  BranchPayload,
  DtmFailureError,
  DtmModule,
  DtmService,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchContext,
} from 'nestjs-dtm';
import { defer, delayWhen, timeout, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { callBranch, closeApps, deferred, startApp } from './app.js';
import { platforms } from './platforms.js';
import { recordingServer } from './recording-server.js';

let entered = deferred();
let release = deferred();
const finished: string[] = [];
const piped: unknown[] = [];

@Controller('bank')
class BankController {
  constructor(private readonly dtm: DtmService) {}

  @SagaBranch({ compensate: false })
  async slow(@Branch() context: BranchContext): Promise<void> {
    entered.resolve();
    await release.promise;
    finished.push(context.gid);
  }

  @SagaBranch({ compensate: false })
  quick(): void {}

  @SagaBranch({ compensate: false })
  piped(@BranchPayload({ transform: (value: unknown) => piped.push(value) }) _payload: unknown): void {}

  @SagaBranch({ compensate: false })
  observed(): Observable<void> {
    return defer(() => this.slow({ gid: 'observed', transType: 'saga', branchId: '01', op: 'action' }));
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async freeze(@BranchPayload() depth: number, @Branch() context: BranchContext): Promise<unknown> {
    if (depth === 0) return 'leaf';
    entered.resolve();
    await release.promise;
    return [context.branchId, await this.dtm.nestedTcc(context).call(branchOf(BankController, 'leaf'), 'payload')];
  }
  confirm(): void {}
  cancel(): void {}

  @TccAction({ confirm: 'confirmLeaf', cancel: 'cancelLeaf' })
  leaf(@BranchPayload() payload: string, @Branch() context: BranchContext): string {
    if (payload === 'bad') throw new BadRequestException('bad payload');
    return `${context.branchId} ${payload}`;
  }
  confirmLeaf(): void {}
  cancelLeaf(): void {}
}

const refuse = (): never => {
  throw new Error('no');
};

beforeEach(() => {
  entered = deferred();
  release = deferred();
  finished.length = 0;
});
afterEach(closeApps);

describe('start', () => {
  test('the coordinator opens before the application and recovers when branches can be reached', async () => {
    const log: string[] = [];
    @Injectable()
    class Early implements OnApplicationBootstrap {
      constructor(private readonly dtm: DtmService) {}
      onApplicationBootstrap(): void {
        log.push(...server.log);
        void this.dtm.api;
      }
    }
    const { app, server } = await startApp({ controllers: [BankController], providers: [Early], listen: false });
    await app.init();
    expect(log).toEqual(['open']);
    expect(server.log).toEqual(['open']);
    await app.listen(0, '127.0.0.1');
    expect(server.log).toEqual(['open', 'recover']);
  });

  test('without an HTTP server the coordinator recovers at bootstrap', async () => {
    const server = recordingServer();
    @Module({
      imports: [DtmModule.forRoot({ server, endpoint: { http: 'http://bank:3000' } })],
      controllers: [BankController],
    })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    expect(server.log).toEqual(['open', 'recover']);
    await app.get(DtmService).saga().add(branchOf(BankController, 'quick'), undefined).submit();
    expect(server.submitted[0]!.steps![0]!.action).toBe('http://bank:3000/bank/quick');
    await app.close();
    expect(server.log).toEqual(['open', 'recover', 'submit gid-1', 'close']);
  });

  test('works with @nestjs/testing', async () => {
    const server = recordingServer();
    const module = await Test.createTestingModule({
      imports: [DtmModule.forRoot({ server })],
      controllers: [BankController],
    }).compile();
    const app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    expect((await callBranch(`http://127.0.0.1:${port}/bank/quick`, { payload: null })).status).toBe(200);
    await app.close();
    expect(server.log).toEqual(['open', 'recover', 'close']);
  });

  test('fails when the coordinator cannot be opened, and then does not close it', async () => {
    const server = recordingServer();
    server.on.open = () => Promise.reject(new Error('port is taken'));
    const { app } = await startApp({ dtm: { server }, listen: false });
    await expect(app.init()).rejects.toThrow('port is taken');
    await app.close();
    expect(server.log).toEqual(['open']);
  });

  test('continues and logs an error when the coordinator cannot recover', async () => {
    const server = recordingServer();
    server.on.recover = () => {
      throw new Error('store is gone');
    };
    const { logs } = await startApp({ dtm: { server } });
    expect(logs.of('DtmModule')).toEqual([
      expect.stringMatching(/^error DtmModule: the coordinator could not resume[^]*store is gone/),
    ]);
  });
});

describe.each(platforms)('shutdown on %s', (platform) => {
  test('a running handler finishes, new calls are rejected, and then the coordinator closes', async () => {
    const { app, server, url, logs } = await startApp({ platform, controllers: [BankController] });
    const running = callBranch(`${url}/bank/slow`, { gid: 'running' });
    await entered.promise;

    const closing = app.close();
    const again = app.close();
    let answer = await callBranch(`${url}/bank/quick`);
    // Nest runs the hooks of other modules first
    while (answer.status === 200) answer = await callBranch(`${url}/bank/quick`);
    expect(answer).toMatchObject({ status: 503, body: '{"message":"the application is shutting down"}' });
    expect(server.log).not.toContain('close');
    expect((await callBranch(`${url}/bank/piped`, { payload: 1 })).status).toBe(503);
    expect(piped).toEqual([]);

    release.resolve();
    expect((await running).status).toBe(200);
    await Promise.all([closing, again]);
    expect(finished).toEqual(['running']);
    expect(server.log.filter((line) => line === 'close')).toHaveLength(1);
    expect(logs.of('DtmBranch').every((line) => line.includes('503') || line.includes('shutting down'))).toBe(true);
    await app.close();
    expect(server.log.filter((line) => line === 'close')).toHaveLength(1);
  });

  test.each([
    ['slow', 'late'],
    ['observed', 'observed'],
  ])('the shutdown waits for a handler whose interceptor timed out: %s', async (path, gid) => {
    const { app, server, url } = await startApp({
      platform,
      controllers: [BankController],
      configure: (nest) =>
        void nest.useGlobalInterceptors({ intercept: (_context, next) => next.handle().pipe(timeout(20)) }),
    });
    expect((await callBranch(`${url}/bank/${path}`, { gid })).status).toBe(500);
    await entered.promise;
    const closing = app.close();
    while ((await callBranch(`${url}/bank/quick`)).status === 200);
    expect(server.log).not.toContain('close');
    release.resolve();
    await closing;
    expect(finished).toEqual([gid]);
    expect(server.log.at(-1)).toBe('close');
  });

  test('the answer to a running call is sent before the connections are closed by force', async () => {
    const answered = deferred();
    const { app, server, url } = await startApp({
      platform,
      controllers: [BankController],
      nest: { forceCloseConnections: true },
      configure: (nest) =>
        void nest.useGlobalInterceptors({
          intercept: (context, next) =>
            context.getHandler().name === 'slow'
              ? next.handle().pipe(delayWhen(() => answered.promise))
              : next.handle(),
        }),
    });
    const running = callBranch(`${url}/bank/slow`, { gid: 'running' });
    await entered.promise;
    const closing = app.close();
    while ((await callBranch(`${url}/bank/quick`)).status === 200);
    release.resolve();
    await vi.waitUntil(() => finished.length > 0);
    expect((await callBranch(`${url}/bank/quick`)).status).toBe(503);
    expect(server.log).not.toContain('close');
    answered.resolve();
    expect((await running).status).toBe(200);
    await closing;
  });

  test('the shutdown waits for a branch method only as long as it may', async () => {
    const { app, server, url, logs } = await startApp({
      platform,
      controllers: [BankController],
      nest: { forceCloseConnections: true },
      dtm: { shutdownTimeoutSeconds: 0 },
    });
    const running = callBranch(`${url}/bank/slow`, { gid: 'late' });
    await entered.promise;
    await Promise.all([app.close(), expect(running).rejects.toThrow()]);
    expect(server.log.at(-1)).toBe('close');
    expect(logs.of('DtmModule')).toEqual([
      expect.stringMatching(/shutdown goes on after 0 s although 1 branch methods run and 1 answers are not sent/),
    ]);
    release.resolve();
  });

  test('a nested TCC in flight completes', async () => {
    const { app, server, url } = await startApp({ platform, controllers: [BankController] });
    const running = callBranch(`${url}/bank/freeze`, { transType: 'tcc', op: 'try', payload: 1, branchId: '03' });
    await entered.promise;
    release.resolve();
    expect(JSON.parse((await running).body)).toEqual(['03', '0301 payload']);
    await app.close();
    expect(server.registered).toEqual([
      expect.objectContaining({ branchId: '0301', payload: '"payload"', confirm: `${url}/bank/confirmLeaf` }),
    ]);
  });

  test('the coordinator stays open until the running handlers have finished', async () => {
    const { app, server, url } = await startApp({ platform, controllers: [BankController] });
    const running = callBranch(`${url}/bank/freeze`, { transType: 'tcc', op: 'try', payload: 1 });
    await entered.promise;
    const closing = app.close();
    while ((await callBranch(`${url}/bank/quick`)).status === 200);
    release.resolve();
    // the nested try is a new call, which is turned away; registering it still worked
    expect((await running).status).toBe(500);
    await closing;
    expect(server.log).toEqual(['open', 'recover', 'register 0101', 'close']);
  });

  test('an error of the coordinator is logged, and the rest of the application closes', async () => {
    const server = recordingServer();
    server.on.close = () => Promise.reject(new Error('disk is full'));
    const { app, logs } = await startApp({ platform, dtm: { server } });
    await app.close();
    expect(logs.of('DtmModule')).toEqual([
      expect.stringMatching(/^error DtmModule: the coordinator could not be closed[^]*disk is full/),
    ]);
  });

  test('a signal shuts down like close()', async () => {
    const { app, server, url } = await startApp({ platform, controllers: [BankController] });
    app.enableShutdownHooks([ShutdownSignal.SIGUSR2]);
    const running = callBranch(`${url}/bank/slow`, { gid: 'running' });
    await entered.promise;
    // Nest sends the signal once more when it has finished
    const again = new Promise<void>((resolve) => {
      process.on('SIGUSR2', function look() {
        if (!server.log.includes('close')) return;
        process.off('SIGUSR2', look);
        resolve();
      });
    });
    process.kill(process.pid, 'SIGUSR2');
    while ((await callBranch(`${url}/bank/quick`)).status === 200);
    release.resolve();
    expect((await running).status).toBe(200);
    await again;
    expect(server.log.at(-1)).toBe('close');
    expect(finished).toEqual(['running']);
  });

  test('the coordinator does not recover after the shutdown', async () => {
    const { app, server } = await startApp({ platform, listen: false });
    await app.init();
    await app.close();
    // what listen() does last, when close() has overtaken it
    app.get(HttpAdapterHost).listening = true;
    expect(server.log).toEqual(['open', 'close']);
  });
});

describe('DtmService', () => {
  test('forwards queries to the coordinator', async () => {
    const { app, server } = await startApp({ controllers: [BankController] });
    const dtm = app.get(DtmService);
    expect(dtm.api).toBe(server);
    expect(await dtm.newGid()).toBe('gid-1');
    expect(await dtm.query('x')).toBeUndefined();
    expect(await dtm.all()).toEqual({ transactions: [], nextPosition: '' });
    await dtm.all({ status: 'failed' });
    await dtm.forceStop('x');
    expect(server.log.slice(2)).toEqual(['query x', 'all {}', 'all {"status":"failed"}', 'forceStop x']);
  });

  test('submits a saga with its options', async () => {
    const { app, server } = await startApp({ controllers: [BankController] });
    const gid = await app
      .get(DtmService)
      .saga({ gid: 'own', concurrent: true, retryLimit: 3 })
      .add(branchOf(BankController, 'quick'), undefined)
      .add({ action: 'http://bank2/in', compensate: 'http://bank2/undoIn' }, { amount: 30 })
      .order(1, [0])
      .submit({ waitResult: true });
    expect(gid).toBe('own');
    expect(server.submitted).toEqual([
      expect.objectContaining({ gid: 'own', retryLimit: 3, waitResult: true, payloads: ['', '{"amount":30}'] }),
    ]);
  });

  test('rolls a TCC back when a try fails', async () => {
    const { app, server, url } = await startApp({ controllers: [BankController] });
    const work = app.get(DtmService).tcc((tcc) => tcc.call(branchOf(BankController, 'leaf'), 'bad'));
    const failure = new DtmFailureError('bad payload', {
      gid: 'gid-1',
      branch: { branchId: '01', op: 'try', url: `${url}/bank/leaf` },
    });
    await expect(work).rejects.toThrow(failure);
    expect(server.log.slice(2)).toEqual(['prepare gid-1', 'register 01', 'abort gid-1: bad payload']);
  });

  test('logs an abort that failed, and throws the error of the work', async () => {
    const { app, server, logs } = await startApp({ controllers: [BankController] });
    server.on.abort = () => Promise.reject(new Error('dtm is away'));
    const dtm = app.get(DtmService);
    await expect(dtm.tcc(refuse, { gid: 'lost' })).rejects.toThrow('no');
    expect(logs.of('DtmService')).toEqual([
      expect.stringMatching(/^error DtmService: TCC lost could not be aborted[^]*dtm is away/),
    ]);
    const heard: unknown[] = [];
    await expect(dtm.tcc(refuse, { gid: 'lost', onAbortFailed: (_error, gid) => heard.push(gid) })).rejects.toThrow(
      'no',
    );
    expect(heard).toEqual(['lost']);
    expect(logs.of('DtmService')).toHaveLength(1);
  });
});
