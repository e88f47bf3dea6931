import {
  Controller,
  Get,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, Reflector } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  BranchPayload,
  DtmModule,
  DtmService,
  SagaBranch,
  branchOf,
  isDtmBranch,
  type DtmModuleOptions,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../services/free-ports.mjs';
import { memoryAdapter } from '../../../unit/barrier/memory-adapter.js';
import { LogBook, closeApps, startApp } from '../app.js';
import { headerOf, startOver, ways } from './start-over.js';

const Public = (): MethodDecorator => SetMetadata('isPublic', true);

@Controller('shop')
class ShopController {
  @Get('price')
  price(): number {
    return 5;
  }
}

/** Classes of their own, because decorators hold for a class. */
function createBank() {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    pay(@BranchPayload() _amount: number): void {}
  }
  return BankController;
}

/** As applications have it: everything needs a user, unless it is public. */
@Injectable()
class UserGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    return (
      this.reflector.getAllAndOverride<boolean>('isPublic', [context.getHandler(), context.getClass()]) ||
      headerOf(context, 'x-user') !== undefined
    );
  }
}

@Injectable()
class BranchAwareGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return headerOf(context, isDtmBranch(context) ? 'x-service' : 'x-user') !== undefined;
  }
}

const databases = () => ({ default: { barrier: memoryAdapter().adapter } });

describe.each(ways)('a global guard on %s over %s', (platform, over) => {
  test('refuses branches without credentials, and the saga waits', async () => {
    const BankController = createBank();
    const { dtm, logs } = await startOver([platform, over], {
      controllers: [BankController],
      providers: [{ provide: APP_GUARD, useClass: UserGuard }],
    });
    await dtm
      .saga({ gid: 'g1' })
      .add(branchOf(BankController, 'pay', { over }), 5)
      .submit();
    await expect.poll(async () => (await dtm.query('g1'))?.branches[1]?.attempts).toBe(1);
    expect((await dtm.query('g1'))?.transaction.status).toBe('submitted');
    expect(logs.of('DtmBranch').join()).toContain('let branches pass by isDtmBranch(context)');
  });

  test('knows branches by isDtmBranch', async () => {
    const BankController = createBank();
    const { dtm, url } = await startOver([platform, over], {
      controllers: [BankController, ...(over === 'grpc' ? [] : [ShopController])],
      providers: [{ provide: APP_GUARD, useClass: BranchAwareGuard }],
      dtm: { branchHeaders: { 'x-service': 'bank' }, databases: databases() },
    });
    await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over }), 5)
      .submit({ waitResult: true });
    const status = async (path: string, headers: Record<string, string>) =>
      (await fetch(url + path, { headers })).status;
    const branch = '/bank/pay?gid=g&trans_type=saga&branch_id=01&op=action';
    expect(await status(branch, { 'x-user': 'u' })).toBe(403);
    expect(await status(branch, { 'x-service': 's' })).toBe(200);
    const queryBack = '/nestjs-dtm/query-prepared?gid=g&trans_type=msg&branch_id=00&op=msg';
    expect(await status(queryBack, { 'x-user': 'u' })).toBe(403);
    expect(await status(queryBack, { 'x-service': 's' })).toBe(409);
    if (over === 'grpc') return;
    expect(await status('/shop/price', { 'x-service': 's' })).toBe(403);
    expect(await status('/shop/price', { 'x-user': 'u' })).toBe(200);
  });

  test('reads the metadata of routeDecorators on branches and the query-back', async () => {
    const BankController = createBank();
    const { dtm, url } = await startOver([platform, over], {
      controllers: [BankController, ...(over === 'grpc' ? [] : [ShopController])],
      providers: [{ provide: APP_GUARD, useClass: UserGuard }],
      dtm: { routeDecorators: [Public()], databases: databases() },
    });
    await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over }), 5)
      .submit({ waitResult: true });
    const queryBack = '/nestjs-dtm/query-prepared?gid=g&trans_type=msg&branch_id=00&op=msg';
    expect((await fetch(url + queryBack)).status).toBe(409);
    if (over !== 'grpc') expect((await fetch(`${url}/shop/price`)).status).toBe(403);
  });
});

describe('routeDecorators', () => {
  const start = (routeDecorators: unknown) =>
    startApp({
      controllers: [createBank()],
      dtm: { routeDecorators } as Partial<DtmModuleOptions>,
      listen: false,
    }).then(({ app }) => app.init());

  test('belong to an application as far as the query-back is concerned', async () => {
    onTestFinished(closeApps);
    const providers = [{ provide: APP_GUARD, useClass: UserGuard }];
    const open = await startApp({ providers, dtm: { routeDecorators: [Public()], databases: databases() } });
    const closed = await startApp({ providers, dtm: { databases: databases() } });
    const path = '/nestjs-dtm/query-prepared?gid=g&trans_type=msg&branch_id=00&op=msg';
    expect((await fetch(open.url + path)).status).toBe(409);
    expect((await fetch(closed.url + path)).status).toBe(403);
  });

  test.each([
    ['a guard', UseGuards(BranchAwareGuard)],
    ['an interceptor', UseInterceptors({ intercept: (_: unknown, next: { handle(): never }) => next.handle() })],
    [
      'another method',
      (_target: object, _method: unknown, descriptor: PropertyDescriptor) => ({
        ...descriptor,
        value: () => undefined,
      }),
    ],
  ])('cannot add %s', async (_what, decorator) => {
    onTestFinished(closeApps);
    await expect(start([decorator])).rejects.toThrow(DtmConfigError);
    await expect(start([decorator])).rejects.toThrow(
      /a decorator in routeDecorators does more than set metadata on \w+\.\w+; put/,
    );
  });

  test.each([[{ isPublic: true }], [['isPublic']]])('must be decorators: %j', async (value) => {
    await expect(start(value)).rejects.toThrow(/routeDecorators must be a list of decorators/);
  });
});

describe('branches that other machines can call', () => {
  const warning =
    /warn DtmModule: branches can be called by everyone who reaches (\S+), because no guard protects (.*?); add a guard/;

  @Injectable()
  class OpenGuard implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class RequestGuard extends OpenGuard {}

  class ThrottlerGuard extends OpenGuard {}
  class OwnThrottler extends ThrottlerGuard {}

  @UseGuards(OpenGuard)
  @Controller('guarded')
  class GuardedController {
    @SagaBranch({ compensate: false })
    pay(): void {}
  }

  @Controller('partly')
  class PartlyController {
    @UseGuards(OpenGuard)
    @SagaBranch({ compensate: 'undo' })
    pay(): void {}
    undo(): void {}
  }

  type Options = Partial<Parameters<typeof startOver>[1]>;

  const find = async (options: Options): Promise<RegExpMatchArray | null> => {
    const { logs } = await startOver(['express', 'http'], { controllers: [createBank()], host: '0.0.0.0', ...options });
    return logs.of('DtmModule').join('\n').match(warning);
  };

  test.each<[string, Options]>([
    ['without a guard', {}],
    ['behind a rate limiter', { providers: [{ provide: APP_GUARD, useClass: OwnThrottler }] }],
    ['on all addresses of IPv6', { host: '::' }],
  ])('are a warning at start: %s', async (_what, options) => {
    expect(await find(options)).toMatchObject({ 2: 'BankController.pay' });
  });

  test('are named, the query-back among them', async () => {
    const controllers = [createBank(), GuardedController, PartlyController];
    const found = await find({ controllers, dtm: { databases: databases() } });
    expect(found?.[2]?.split(', ').toSorted()).toEqual([
      'BankController.pay',
      'PartlyController.undo',
      'QueryPreparedController.ask',
    ]);
  });

  test.each<[string, Options]>([
    ['on loopback', { host: '127.0.0.1' }],
    ['behind an APP_GUARD', { providers: [{ provide: APP_GUARD, useClass: OpenGuard }] }],
    ['behind an APP_GUARD of the request', { providers: [{ provide: APP_GUARD, useClass: RequestGuard }] }],
    ['behind useGlobalGuards', { configure: (app) => void app.useGlobalGuards(new OpenGuard()) }],
    ['with a guard on the controller', { controllers: [GuardedController] }],
    ['with allowUnguardedBranches', { dtm: { allowUnguardedBranches: true } }],
    ['that do not exist', { controllers: [ShopController] }],
  ])('are no warning: %s', async (_what, options) => {
    expect(await find(options)).toBeNull();
  });
});

describe('an application that is only a microservice', () => {
  async function start(options: { readonly guard?: CanActivate; readonly endpoint?: string }) {
    const BankController = createBank();
    const [port] = await freePorts(1);
    const url = `127.0.0.1:${port}`;
    const server = embeddedServer({ store: memoryStore() });

    @Module({
      imports: [DtmModule.forRoot({ server, endpoint: { grpc: options.endpoint ?? url } })],
      controllers: [BankController],
      providers: options.guard ? [{ provide: APP_GUARD, useValue: options.guard }] : [],
    })
    class TestModule {}

    const logger = new LogBook();
    const grpc = dtmGrpcOptions([BankController], { url }) as MicroserviceOptions;
    const app = await NestFactory.createMicroservice(TestModule, { ...grpc, logger });
    onTestFinished(() => app.close());
    await app.listen();
    const pay = () =>
      app
        .get(DtmService)
        .saga()
        .add(branchOf(BankController, 'pay', { at: url }), 5)
        .submit({ waitResult: true });
    return { pay, warnings: logger.of('DtmModule').join() };
  }

  const warning =
    /branches can be called by everyone who reaches bank:50051, because no guard protects BankController.pay;/;

  test('has its global guards', async () => {
    const { pay } = await start({ guard: { canActivate: () => false } });
    await expect(pay()).rejects.toThrow();
    const open = await start({ guard: { canActivate: () => true } });
    await open.pay();
  });

  test('warns of branches without a guard when others reach endpoint.grpc', async () => {
    expect((await start({ endpoint: 'bank:50051' })).warnings).toMatch(warning);
    expect((await start({ endpoint: 'bank:50051', guard: { canActivate: () => true } })).warnings).not.toMatch(/guard/);
    expect((await start({})).warnings).not.toMatch(/guard/);
  });
});
