import { AsyncLocalStorage } from 'node:async_hooks';
import {
  BadRequestException,
  Body,
  Controller,
  ForbiddenException,
  Headers,
  HttpException,
  Inject,
  Injectable,
  Module,
  Query,
  Req,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplicationContext,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, NestFactory, REQUEST } from '@nestjs/core';
import {
  Branch,
  BranchPayload,
  DtmConfigError,
  DtmFailureError,
  DtmModule,
  DtmOngoingError,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchContext,
  type DtmModuleOptions,
} from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { map, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogBook } from './app.js';

const calls: string[] = [];
const seen: unknown[] = [];
const story = new AsyncLocalStorage<string>();
let fail: () => void = () => undefined;

@Injectable()
class Purse {
  pay(amount: number): void {
    calls.push(`pay ${amount}`);
  }
}

@Injectable()
class NoticingGuard implements CanActivate {
  constructor(private readonly purse: Purse) {}
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{
      method: string;
      url: string;
      headers: Record<string, string>;
      query: Record<string, string>;
      body: unknown;
    }>();
    const { method, url, headers, query, body } = request;
    seen.push({ type: context.getType(), method, url, headers, query, body, hasPurse: Boolean(this.purse) });
    return headers['x-token'] !== 'wrong';
  }
}

@Injectable()
class NoticingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    calls.push('before');
    return next.handle().pipe(
      map((value: unknown) => {
        calls.push('after');
        return value;
      }),
    );
  }
}

class Doubling {
  transform(value: number): number {
    if (value === 400) throw new BadRequestException('400 is no amount');
    return value * 2;
  }
}

@Controller('bank')
class BankController {
  constructor(private readonly purse: Purse) {}

  @UseGuards(NoticingGuard)
  @UseInterceptors(NoticingInterceptor)
  @SagaBranch({ compensate: 'undoOut' })
  out(@BranchPayload(Doubling) amount: number, @Branch() { op }: BranchContext): void {
    fail();
    this.purse.pay(amount);
    calls.push(`${op} ${amount}`);
  }
  undoOut(@BranchPayload() amount: number): void {
    calls.push(`undoOut ${amount}`);
  }

  @SagaBranch({ compensate: false })
  nothing(
    @Body() body: unknown,
    @Headers('x-trace') trace: string,
    @Query('gid') gid: string,
    @Req() req: object,
  ): void {
    calls.push(`nothing ${String(body)} ${trace} ${gid} ${'url' in req} ${story.getStore()}`);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() amount: number): { frozen: number } {
    fail();
    return { frozen: amount };
  }
  confirm(@BranchPayload() amount: number): void {
    calls.push(`confirm ${amount}`);
  }
  cancel(@BranchPayload() amount: number): void {
    calls.push(`cancel ${amount}`);
  }

  @MsgBranch()
  hear(@BranchPayload() word: string): void {
    calls.push(`hear ${word}`);
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  constructor(@Inject(REQUEST) private readonly request: { query: { gid: string } }) {}

  @SagaBranch({ compensate: false })
  pay(): void {
    calls.push(`scoped ${this.request.query.gid}`);
  }
}

const logs = new LogBook();
let apps: INestApplicationContext[] = [];

/** Starts an application without a port. */
async function start(
  dtm: Partial<DtmModuleOptions> = {},
  { providers = [], controllers = [BankController, ScopedController] }: ModuleMetadata = {},
): Promise<DtmService> {
  const server = embeddedServer({ store: memoryStore(), pollIntervalSeconds: 0.02 });
  @Module({ imports: [DtmModule.forRoot({ server, ...dtm })], controllers, providers: [Purse, ...providers] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: logs, abortOnError: false });
  apps.push(app);
  return app.get(DtmService);
}

beforeEach(() => {
  calls.length = 0;
  seen.length = 0;
  logs.lines.length = 0;
  fail = () => undefined;
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
  apps = [];
});

describe('an application without a port', () => {
  test('runs a saga through guards, interceptors and pipes', async () => {
    const dtm = await start();
    const saga = dtm.saga({ gid: 'g1', branchHeaders: { 'X-Token': 'right' } });
    await saga.add(branchOf(BankController, 'out'), 15).submit({ waitResult: true });
    expect(calls).toEqual(['before', 'pay 30', 'action 30', 'after']);
    expect(seen).toEqual([
      {
        type: 'http',
        method: 'POST',
        url: '/bank/out?branch_id=01&gid=g1&op=action&trans_type=saga',
        headers: expect.objectContaining({ 'x-token': 'right', 'content-type': 'application/json' }),
        query: { branch_id: '01', gid: 'g1', op: 'action', trans_type: 'saga' },
        body: 15,
        hasPurse: true,
      },
    ]);
    const details = await dtm.query('g1');
    expect(details?.branches.map(({ url }) => url)).toEqual(['app:///bank/undoOut', 'app:///bank/out']);
  });

  test('rolls a saga back with the reason, and logs as over HTTP', async () => {
    const dtm = await start();
    fail = () => {
      throw new DtmFailureError('no money');
    };
    const saga = dtm.saga({ gid: 'g1' }).add(branchOf(BankController, 'out'), 15);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow(/no money/);
    expect(calls).toEqual(['before', 'undoOut 15']);
    expect(logs.of('DtmBranch')).toEqual([
      'warn DtmBranch: saga g1, branch 01, action at BankController.out failed, so the transaction is rolled back: no money',
    ]);
  });

  test.each<[string, () => void]>([
    ['ongoing', () => new DtmOngoingError('wait')],
    ['an unknown outcome', () => new Error('oops')],
    ['an HTTP error', () => new HttpException('teapot', 418)],
  ])('%s is called again', async (_, error) => {
    const dtm = await start({
      server: embeddedServer({ store: memoryStore(), pollIntervalSeconds: 0.02, retryIntervalSeconds: 1 }),
    });
    let attempts = 0;
    fail = () => {
      if ((attempts += 1) === 1) throw error();
    };
    const gid = await dtm.saga().add(branchOf(BankController, 'out'), 15).submit();
    await expect.poll(() => attempts).toBe(1);
    await dtm.retryNow(gid).catch(() => undefined);
    await expect.poll(async () => (await dtm.query(gid))?.transaction.status, { timeout: 5000 }).toBe('succeed');
    expect(attempts).toBe(2);
  });

  test('a pipe that refuses the payload rolls back; a guard that refuses the call does not', async () => {
    const dtm = await start();
    await expect(dtm.saga().add(branchOf(BankController, 'out'), 400).submit({ waitResult: true })).rejects.toThrow(
      /400 is no amount/,
    );
    const gid = await dtm
      .saga({ branchHeaders: { 'x-token': 'wrong' } })
      .add(branchOf(BankController, 'out'), 15)
      .submit();
    await expect.poll(async () => (await dtm.query(gid))?.branches[1]?.lastError).toMatch(/403/);
    expect((await dtm.query(gid))?.transaction.status).toBe('submitted');
  });

  test('injects body, headers, query and request', async () => {
    const dtm = await start();
    const saga = dtm.saga({ gid: 'g1', branchHeaders: { 'x-trace': 't' } });
    await story.run('of the initiator', () =>
      saga.add(branchOf(BankController, 'nothing'), undefined).submit({ waitResult: true }),
    );
    expect(calls).toEqual(['nothing undefined t g1 true undefined']);
  });

  test('a TCC returns the result of a try, is confirmed, and cancelled', async () => {
    const dtm = await start();
    const result = await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), 30), { waitResult: true });
    expect(result).toEqual({ frozen: 30 });
    expect(calls).toEqual(['confirm 30']);
    fail = () => {
      throw new DtmFailureError('no money');
    };
    await expect(dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), 7))).rejects.toThrow('no money');
    await expect.poll(() => calls).toEqual(['confirm 30', 'cancel 7']);
  });

  test('a message arrives', async () => {
    const dtm = await start();
    await dtm.msg().add(branchOf(BankController, 'hear'), 'hello').submit({ waitResult: true });
    expect(calls).toEqual(['hear hello']);
  });

  test('a request-scoped controller gets the request of its call', async () => {
    const dtm = await start();
    const submit = (gid: string): Promise<unknown> =>
      dtm.saga({ gid }).add(branchOf(ScopedController, 'pay'), undefined).submit({ waitResult: true });
    await Promise.all([submit('g1'), submit('g2')]);
    expect(calls.toSorted()).toEqual(['scoped g1', 'scoped g2']);
  });

  test('global guards and interceptors of the application run', async () => {
    const refusing: CanActivate = {
      canActivate: () => {
        calls.push('guard');
        throw new ForbiddenException('not here');
      },
    };
    const dtm = await start(
      {},
      {
        providers: [
          { provide: APP_GUARD, useValue: refusing },
          { provide: APP_INTERCEPTOR, useClass: NoticingInterceptor },
        ],
      },
    );
    const gid = await dtm.saga().add(branchOf(BankController, 'nothing'), undefined).submit();
    await expect.poll(async () => (await dtm.query(gid))?.branches[1]?.lastError).toMatch(/403.*not here/);
    expect(calls).toEqual(['guard']);
  });
});

describe('the name of an application', () => {
  test('is in the URLs of its branches', async () => {
    const dtm = await start({ name: 'bank' });
    const gid = await dtm.saga().add(branchOf(BankController, 'out'), 1).submit({ waitResult: true });
    expect((await dtm.query(gid))?.branches[1]!.url).toBe('app://bank/bank/out');
  });

  test.each([
    ['app://shop/bank/out', /only the application shop calls.*application bank/],
    ['app://bank/bank/missing', /has no branch \/bank\/missing/],
    ['app://bank', /expected app:\/\/application\/path/],
  ])('%s is refused at submit', async (action, reason) => {
    const dtm = await start({ name: 'bank' });
    expect(() => dtm.saga().add({ action }, 1)).toThrow(reason);
    await expect(dtm.api.submit({ gid: 'g', transType: 'saga', steps: [{ action }] })).rejects.toThrow(reason);
  });

  test('may be given to an application that had none', async () => {
    const dtm = await start({ name: 'bank' });
    await dtm.saga().add({ action: 'app:///bank/out' }, 1).submit({ waitResult: true });
    expect(calls).toContain('pay 2');
  });
});

test('an application that is initialized but never listens retries its branches', async () => {
  const server = embeddedServer({ store: memoryStore(), pollIntervalSeconds: 0.02, retryIntervalSeconds: 1 });
  @Module({ imports: [DtmModule.forRoot({ server })], controllers: [BankController], providers: [Purse] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: logs, abortOnError: false });
  apps.push(app);
  await app.init();
  let attempts = 0;
  fail = () => {
    if ((attempts += 1) === 1) throw new DtmOngoingError('wait');
  };
  const gid = await app.get(DtmService).saga().add(branchOf(BankController, 'out'), 15).submit();
  await expect.poll(async () => (await server.query(gid))?.transaction.status, { timeout: 10_000 }).toBe('succeed');
  expect(attempts).toBe(2);
});

test('a remote coordinator is refused with the reason', async () => {
  const server = 'http://127.0.0.1:1';
  const inProcess = { server, endpoint: { over: 'in-process' } } as const;
  await expect(start(inProcess)).rejects.toThrow(
    /endpoint\.over is 'in-process', but the coordinator is another process/,
  );
  const dtm = await start({ server, endpoint: { http: 'http://bank:3000' } });
  expect(() => dtm.saga().add(branchOf(BankController, 'out', { over: 'in-process' }), 1)).toThrow(/another process/);
  expect(() => dtm.saga().add({ action: 'app://bank/bank/out' }, 1)).toThrow(/the coordinator that is embedded there/);
});

test('a function as controller is called when the branch is added', async () => {
  const dtm = await start();
  await dtm
    .saga()
    .add(
      branchOf(() => BankController, 'out'),
      1,
    )
    .submit({ waitResult: true });
  expect(calls).toContain('pay 2');
  const early = branchOf(() => undefined as unknown as typeof BankController, 'out');
  expect(() => dtm.saga().add(early, 1)).toThrow(DtmConfigError);
});
