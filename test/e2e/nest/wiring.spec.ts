import { join } from 'node:path';
import {
  Controller,
  Inject,
  Injectable,
  Module,
  Next,
  Post,
  Query,
  Redirect,
  Res,
  Scope,
  Sse,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  ContextIdFactory,
  ModuleRef,
  NestFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  Barrier,
  BranchBarrier,
  BranchPayload,
  DTM_OPTIONS,
  DtmConfigError,
  DtmFailureError,
  DtmModule,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  XaBranch,
  branchOf,
  type DtmModuleOptions,
} from 'nestjs-dtm';
import { SUCCESS_BODY } from 'nestjs-dtm/protocol';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { map, type Observable } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { LogBook, callBranch, closeApps, startApp, type AppOptions } from './app.js';
import { platforms } from './platforms.js';
import { recordingServer } from './recording-server.js';

const bootstrapError = async (options: AppOptions): Promise<unknown> =>
  startApp(options).then(
    () => undefined,
    (error: unknown) => error,
  );

class Filter implements ExceptionFilter {
  catch(): void {}
}

function rejected(name: string, message: RegExp, make: () => AppOptions): void {
  test.each(platforms)(`${name}, on %s`, async (platform) => {
    const error = await bootstrapError({ platform, ...make() });
    expect(error).toBeInstanceOf(DtmConfigError);
    expect(String(error)).toMatch(message);
  });
}

const extractor = (): string => '1';

describe('rejected at bootstrap', () => {
  afterEach(closeApps);

  rejected(
    'a provider with branches',
    /BankService\.pay is a branch, but BankService is a provider; .*"controllers"/,
    () => {
      @Injectable()
      class BankService {
        @SagaBranch({ compensate: false })
        pay(): void {}
      }
      return { providers: [BankService] };
    },
  );

  rejected(
    'an object with branches as a provider',
    /BankService\.pay is a branch, but BankService is a provider/,
    () => {
      class BankService {
        @SagaBranch({ compensate: false })
        pay(): void {}
      }
      return { providers: [{ provide: 'bank', useFactory: () => new BankService() }] };
    },
  );

  rejected('two branches at one URL', /BController\.pay and AController\.pay are both branches at \/bank\/pay/, () => {
    @Controller('bank')
    class AController {
      @SagaBranch({ compensate: false })
      pay(): void {}
    }
    @Controller('/bank/')
    class BController {
      @SagaBranch({ compensate: false })
      pay(): void {}
    }
    return { controllers: [AController, BController] };
  });

  rejected(
    'a payload that is not first',
    /BankController\.pay has @BranchPayload\(\) on parameter 2; make it the first/,
    () => {
      @Controller('bank')
      class BankController {
        @SagaBranch({ compensate: false })
        pay(@Barrier() _barrier: BranchBarrier, @BranchPayload() _payload: unknown): void {}
      }
      return { controllers: [BankController] };
    },
  );

  rejected(
    'a parameter without a decorator',
    /BankController\.undoPay: parameter 1 has no decorator and would be undefined; add @BranchPayload/,
    () => {
      @Controller('bank')
      class BankController {
        @SagaBranch({ compensate: 'undoPay' })
        pay(@BranchPayload() _payload: unknown): void {}
        undoPay(_payload: unknown): void {}
      }
      return { controllers: [BankController] };
    },
  );

  for (const [name, decorator] of [
    ['@Res()', Res()],
    ['@Next()', Next()],
  ] as const) {
    rejected(`${name} in a branch`, /BankController\.pay sends its response itself/, () => {
      @Controller('bank')
      class BankController {
        @SagaBranch({ compensate: false })
        pay(@decorator _response: unknown): void {}
      }
      return { controllers: [BankController] };
    });
  }

  for (const [name, decorator] of [
    ['@Redirect', Redirect('/x')],
    ['@Sse', Sse('x')],
  ] as const) {
    rejected(`${name} on a branch`, /BankController\.pay has (@Redirect|a route decorator)/, () => {
      @Controller('bank')
      class BankController {
        @decorator
        @SagaBranch({ compensate: false })
        pay(): void {}
      }
      return { controllers: [BankController] };
    });
  }

  rejected(
    'a route decorator above the branch decorator',
    /BankController\.pay has a route decorator such as @Post\(\); remove it/,
    () => {
      @Controller('bank')
      class BankController {
        @Post()
        @SagaBranch({ compensate: false })
        pay(): void {}
      }
      return { controllers: [BankController] };
    },
  );

  rejected('an exception filter on a branch', /BankController\.pay has @UseFilters, .*interceptor/, () => {
    @Controller('bank')
    class BankController {
      @SagaBranch({ compensate: false })
      @UseFilters(Filter)
      pay(): void {}
    }
    return { controllers: [BankController] };
  });

  rejected(
    'a compensation that a subclass replaced',
    /SubController\.pay: a subclass or decorator replaced undoPay, its compensate/,
    () => {
      class BaseController {
        @SagaBranch({ compensate: 'undoPay' })
        pay(): void {}
        undoPay(): void {}
      }
      @Controller('bank')
      class SubController extends BaseController {
        override undoPay(): void {}
      }
      return { controllers: [SubController] };
    },
  );

  for (const path of [':id', 'a/*rest', '{b}', 'größe', 'a b', 'a%20b']) {
    rejected(
      `the controller path ${path}`,
      /BankController\.pay is a branch at .* must be fixed and need no encoding/,
      () => {
        @Controller(path)
        class BankController {
          @SagaBranch({ compensate: false })
          pay(): void {}
        }
        return { controllers: [BankController] };
      },
    );
  }

  rejected(
    'a controller that is bound to a host',
    /BankController\.pay is a branch of a controller that is bound to a host/,
    () => {
      @Controller({ path: 'bank', host: 'bank.example' })
      class BankController {
        @SagaBranch({ compensate: false })
        pay(): void {}
      }
      return { controllers: [BankController] };
    },
  );

  for (const versioning of [
    { type: VersioningType.HEADER, header: 'x-version' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=' },
    { type: VersioningType.CUSTOM, extractor },
  ] as const) {
    rejected(
      `versioning ${VersioningType[versioning.type]}`,
      /BankController\.pay has the version 1, but the coordinator calls a URL and sends no version/,
      () => {
        @Controller({ path: 'bank', version: '1' })
        class BankController {
          @SagaBranch({ compensate: false })
          pay(): void {}
        }
        return {
          controllers: [BankController],
          configure: (app: INestApplication) => void app.enableVersioning(versioning),
        };
      },
    );
  }

  rejected('DtmModule twice', /DtmModule is imported more than once/, () => ({
    imports: [DtmModule.forRoot({ server: recordingServer() })],
  }));

  test('invalid options, also from a factory', async () => {
    expect(String(await bootstrapError({ dtm: { server: 'nowhere' } }))).toMatch(
      /DtmConfigError: server "nowhere" is not the address of a coordinator/,
    );
    @Module({ imports: [DtmModule.forRootAsync({ useFactory: () => undefined as unknown as DtmModuleOptions })] })
    class AppModule {}
    await expect(NestFactory.create(AppModule, { logger: false, abortOnError: false })).rejects.toThrow(
      /options must be an object, not undefined/,
    );
  });
});

describe('DtmModule that the module of a controller does not see', () => {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    pay(): void {}
  }
  @Module({ controllers: [BankController] })
  class BankModule {}

  const bootstrap = async (imports: NonNullable<ModuleMetadata['imports']>): Promise<unknown> => {
    @Module({ imports: [BankModule, ...imports] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    return app.init().then(
      () => app.close(),
      (error: unknown) => error,
    );
  };

  test.each([
    ['is not imported', () => []],
    ['is not global', () => [DtmModule.forRoot({ server: recordingServer(), isGlobal: false })]],
  ])('because it %s, is named with the remedy', async (_, imports) => {
    const error = await bootstrap(imports());
    expect(error).toBeInstanceOf(DtmConfigError);
    expect(String(error)).toMatch(
      /a controller has branches, but its module does not see DtmModule; add DtmModule\.forRoot\(.*"imports" of the root module/,
    );
  });

  test('without options, is told to use forRoot', async () => {
    await expect(bootstrap([DtmModule])).rejects.toThrow(
      /DtmModule: options must be an object, not undefined; import DtmModule\.forRoot\(\{ server: … \}\)/,
    );
  });

  test('leaves a unit test of the controller alone', async () => {
    const module = await Test.createTestingModule({ controllers: [BankController] }).compile();
    expect(module.get(BankController).pay()).toBeUndefined();
  });

  test('does not hide that its options are wrong', async () => {
    await expect(bootstrap([DtmModule.forRoot({ server: 'nowhere' })])).rejects.toThrow(/server "nowhere" is not/);
  });
});

describe('branchOf', () => {
  afterEach(closeApps);

  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    pay(): void {}
  }
  const add = (dtm: DtmService): unknown => dtm.saga().add(branchOf(BankController, 'pay'));

  test('and URLs before init() say what to wait for with an embedded coordinator', async () => {
    const server = embeddedServer({ store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }) });
    const { app } = await startApp({ controllers: [BankController], listen: false, dtm: { server } });
    const saga = app.get(DtmService).saga().add({ action: 'http://bank/pay' });
    await expect(saga.submit()).rejects.toThrow(/not started yet \(in Nest: before app\.init\(\) or app\.listen\(\)\)/);
  });

  test('before init() says what to wait for', async () => {
    const { app } = await startApp({ controllers: [BankController], listen: false });
    expect(() => add(app.get(DtmService))).toThrow(
      /BankController\.pay: the branches .* not known before it is initialised; await app\.init\(\) or app\.listen\(\) first/,
    );
    await app.init();
    expect(() => add(app.get(DtmService))).toThrow(/start transactions after app\.listen\(\)/);
  });

  test('is not needed for URLs, but anything else is refused with what a branch of the mode looks like', async () => {
    @Controller('plain')
    class PlainController {
      pay(): void {}
    }
    const { app } = await startApp({ controllers: [BankController, PlainController] });
    const dtm = app.get(DtmService);
    const saga = (branch: unknown) => (): unknown => dtm.saga().add(branch as { action: string });
    expect(saga('http://b/pay')).toThrow(
      new DtmConfigError(
        '"http://b/pay" is no branch of a saga; give { action, compensate }, or a reference that branchOf() returned',
      ),
    );
    expect(saga(undefined)).toThrow(/^undefined is no branch of a saga; give \{ action, compensate \}/);
    expect(saga({ try: 'http://b/try' })).toThrow(/^an object is no branch of a saga/);
    expect(saga(branchOf(PlainController, 'pay'))).toThrow(
      /PlainController\.pay is no branch; decorate it with @SagaBranch/,
    );
    expect(() => dtm.msg().add(undefined as never)).toThrow(/^undefined is no branch of a msg; give a URL, or a ref/);
    await expect(dtm.tcc((tcc) => tcc.call({ action: 'http://b' } as never))).rejects.toThrow(
      /^an object is no branch of a tcc; give \{ try, confirm, cancel \}/,
    );
  });

  test('in an application context with another process as coordinator says that nothing serves the branch', async () => {
    @Module({ imports: [DtmModule.forRoot({ server: recordingServer() })], controllers: [BankController] })
    class WorkerModule {}
    const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    onTestFinished(() => app.close());
    expect(() => add(app.get(DtmService))).toThrow(
      /this application has no HTTP server at which .* endpoint\.http or endpoint\.grpc .* branchOf the option at, or .* embeddedServer\(\)/,
    );
  });
});

describe('rejected at class definition', () => {
  /** As in JavaScript, where no compiler checks the types. */
  const untyped = { SagaBranch, TccAction, MsgBranch, XaBranch } as unknown as Record<
    string,
    (...args: unknown[]) => MethodDecorator
  >;
  const define = (decorate: () => MethodDecorator): unknown => {
    class BankController {
      pay(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(BankController.prototype, 'pay')!;
    return decorate()(BankController.prototype, 'pay', descriptor);
  };

  test.each([
    [
      'SagaBranch',
      [],
      /BankController\.pay: the branch decorator has no compensate; name .* @SagaBranch\(\{ compensate: /,
    ],
    ['SagaBranch', [{}], /or write compensate: false when there is nothing to undo/],
    ['TccAction', [], /BankController\.pay: the branch decorator has no confirm; name/],
    ['TccAction', [{ confirm: 'pay' }], /BankController\.pay: the branch decorator has no cancel; name/],
  ])('@%s(%j) without its companions', (name, options, message) => {
    const decorate = (): MethodDecorator => untyped[name]!(...options);
    expect(() => define(decorate)).toThrow(message);
    expect(() => define(decorate)).toThrow(DtmConfigError);
  });

  test.each(Object.keys(untyped))('@%s without parentheses', (name) => {
    class BankController {
      pay(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(BankController.prototype, 'pay');
    expect(() => untyped[name]!(BankController.prototype, 'pay', descriptor)).toThrow(
      new RegExp(`@${name} is used without parentheses in BankController; write @${name}\\(`),
    );
  });

  test('a decorator on the class', () => {
    expect(() => {
      class BankController {
        pay(): void {}
      }
      (SagaBranch({ compensate: false }) as unknown as ClassDecorator)(BankController);
    }).toThrow(/BankController has a branch decorator on the class; move the decorator to the method/);
  });

  test('a companion that does not exist', () => {
    expect(() => {
      class BankController {
        // @ts-expect-error -- the compiler rejects it too
        @SagaBranch({ compensate: 'undo' })
        pay(): void {}
      }
      return BankController;
    }).toThrow(
      new DtmConfigError(
        'BankController.pay: compensate names "undo", but BankController has no method undo; add the method or correct the name',
      ),
    );
    expect(() => {
      class BankController {
        // @ts-expect-error -- the compiler rejects it too
        @TccAction({ confirm: 'confirm', cancel: 'cansel' })
        freeze(): void {}
        confirm(): void {}
        cancel(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.freeze: cancel names "cansel", but BankController has no method cansel/);
  });

  test('an inherited companion, which every subclass would share', () => {
    class Base {
      undo(): void {}
    }
    expect(() => {
      class BankController extends Base {
        @SagaBranch({ compensate: 'undo' })
        pay(): void {}
      }
      return BankController;
    }).toThrow(
      /compensate names "undo", but BankController inherits undo, or undo is not a method; declare the method in BankController itself/,
    );
  });

  test('a companion that serves two branches', () => {
    expect(() => {
      class BankController {
        @SagaBranch({ compensate: 'undo' })
        a(): void {}
        @SagaBranch({ compensate: 'undo' })
        b(): void {}
        undo(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.undo is the compensate of a and cannot also be the compensate of b/);
    expect(() => {
      class BankController {
        @TccAction({ confirm: 'end', cancel: 'end' })
        freeze(): void {}
        end(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.end is the confirm of freeze and cannot also be the cancel of freeze/);
  });

  test('a method that is both branch and companion', () => {
    expect(() => {
      class BankController {
        @SagaBranch({ compensate: 'b' })
        a(): void {}
        @SagaBranch({ compensate: false })
        b(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.b is the compensate of a and cannot also be a saga action/);
  });

  test('a static method, and a route decorator below', () => {
    expect(() => {
      class BankController {
        @SagaBranch({ compensate: false })
        static pay(): void {}
        other(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.pay is static/);
    expect(() => {
      class BankController {
        @SagaBranch({ compensate: false })
        @Post()
        pay(): void {}
      }
      return BankController;
    }).toThrow(/BankController\.pay has a route decorator such as @Post\(\)/);
  });
});

const trail: string[] = [];

@Injectable()
class Guard implements CanActivate {
  canActivate(): boolean {
    trail.push('guard');
    return true;
  }
}

class Pipe implements PipeTransform {
  transform(value: unknown, { type }: { type: string }): unknown {
    trail.push(`pipe ${type} ${JSON.stringify(value)}`);
    return value;
  }
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    trail.push('interceptor');
    return next.handle().pipe(map((value: unknown) => ({ wrapped: value })));
  }
}

@Controller('order')
class OrderController {
  @UseGuards(Guard)
  @UsePipes(Pipe)
  @UseInterceptors(Wrap)
  @TccAction({ confirm: 'endAbove', cancel: 'undoAbove' })
  above(@BranchPayload() payload: unknown): unknown {
    return payload;
  }
  endAbove(): void {}
  undoAbove(): void {}

  @TccAction({ confirm: 'endBelow', cancel: 'undoBelow' })
  @UseGuards(Guard)
  @UsePipes(Pipe)
  @UseInterceptors(Wrap)
  below(@BranchPayload() payload: unknown): unknown {
    return payload;
  }
  @UseInterceptors(Wrap)
  endBelow(): string {
    return 'FAILURE';
  }
  undoBelow(): void {}
}

describe.each(platforms)('guards, pipes and interceptors of the application on %s', (platform) => {
  afterEach(closeApps);

  test.each(['above', 'below'])('work the same %s the branch decorator', async (path) => {
    const { url } = await startApp({ platform, controllers: [OrderController] });
    trail.length = 0;
    const answer = await callBranch(`${url}/order/${path}`, { transType: 'tcc', op: 'try', payload: 1 });
    expect(answer).toMatchObject({ status: 200, body: '{"wrapped":1}' });
    expect(trail).toEqual(['guard', 'interceptor', 'pipe body 1']);
  });

  test('a companion has its own interceptors', async () => {
    const { url } = await startApp({ platform, controllers: [OrderController] });
    trail.length = 0;
    expect(await callBranch(`${url}/order/endBelow`, { transType: 'tcc', op: 'confirm' })).toMatchObject({
      status: 200,
      body: SUCCESS_BODY,
    });
    expect(trail).toEqual(['interceptor']);
  });

  test.each(['above', 'below'])('guards %s the branch decorator come before its own', async (path) => {
    const { url } = await startApp({ platform, controllers: [OrderController] });
    trail.length = 0;
    expect((await callBranch(`${url}/order/${path}`, { transType: 'tcc', op: 'cancel' })).status).toBe(400);
    expect(trail).toEqual(['guard']);
  });

  test('an exception filter of the application does not change the responses of branches', async () => {
    @Controller('bank')
    class BankController {
      @SagaBranch({ compensate: false })
      pay(): void {
        throw new DtmFailureError('no');
      }
    }
    const { url } = await startApp({
      platform,
      controllers: [BankController],
      configure: (app) => void app.useGlobalFilters(new Filter()),
    });
    expect((await callBranch(`${url}/bank/pay`)).status).toBe(409);
  });
});

describe.each(platforms)('scopes on %s', (platform) => {
  afterEach(closeApps);

  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class Caller {
    constructor(@Inject(REQUEST) readonly request: { query: Record<string, string> }) {
      made += 1;
    }
  }

  @Controller({ path: 'scoped', scope: Scope.REQUEST })
  class ScopedController {
    constructor(private readonly caller: Caller) {}
    @TccAction({ confirm: 'confirm', cancel: 'cancel' })
    freeze(@BranchPayload() payload: unknown, @Barrier() barrier: BranchBarrier): unknown {
      return { payload, gid: barrier.context.gid, caller: this.caller.request.query['gid'] };
    }
    confirm(): void {
      throw new DtmFailureError('never');
    }
    cancel(): void {}
  }

  test('a request-scoped controller works like any other', async () => {
    made = 0;
    const { url, app, logs } = await startApp({ platform, controllers: [ScopedController], providers: [Caller] });
    for (const gid of ['a', 'b']) {
      const answer = await callBranch(`${url}/scoped/freeze`, { gid, transType: 'tcc', op: 'try', payload: 1 });
      expect(JSON.parse(answer.body)).toEqual({ payload: 1, gid, caller: gid });
    }
    expect(made).toBe(2);
    expect((await callBranch(`${url}/scoped/freeze`, { transType: 'tcc', op: 'cancel' })).status).toBe(400);
    expect((await callBranch(`${url}/scoped/confirm`, { transType: 'tcc', op: 'confirm' })).status).toBe(409);
    expect(logs.of('DtmBranch')).toHaveLength(2);
    expect(await app.get(DtmService).tcc((tcc) => tcc.call(branchOf(ScopedController, 'freeze'), 5))).toEqual({
      payload: 5,
      gid: 'gid-1',
      caller: 'gid-1',
    });
  });

  test('a request-scoped provider that throws is an unknown outcome', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new Error('no tenant');
      }
    }
    @Controller('broken')
    class BrokenController {
      constructor(readonly broken: Broken) {}
      @SagaBranch({ compensate: false })
      pay(): void {}
    }
    const { url, logs } = await startApp({ platform, controllers: [BrokenController], providers: [Broken] });
    const answer = await callBranch(`${url}/broken/pay`);
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toEqual({
      message: expect.stringMatching(/^internal error [\da-f]{12};/) as string,
    });
    expect(logs.of('DtmBranch')).toEqual([expect.stringContaining('no tenant')]);
  });

  test('a durable provider works', async () => {
    const contexts = new Map<string, ContextId>();
    const strategy: ContextIdStrategy = {
      attach: (contextId: ContextId, request: { query: { gid: string } }) => {
        const { gid } = request.query;
        const tenant = contexts.get(gid) ?? ContextIdFactory.create();
        contexts.set(gid, tenant);
        return { resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tenant : contextId), payload: { gid } };
      },
    };
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenant {
      constructor(@Inject(REQUEST) readonly payload: { gid: string }) {}
    }
    @Controller('durable')
    class DurableController {
      constructor(private readonly tenant: Tenant) {}
      @TccAction({ confirm: 'confirm', cancel: 'cancel' })
      freeze(@Barrier() barrier: BranchBarrier): unknown {
        return [this.tenant.payload.gid, barrier.context.gid, barrier.context.branchId];
      }
      confirm(): void {}
      cancel(): void {}
    }
    ContextIdFactory.apply(strategy);
    try {
      const { url } = await startApp({ platform, controllers: [DurableController], providers: [Tenant] });
      const call = async (gid: string, branchId: string): Promise<unknown> =>
        JSON.parse((await callBranch(`${url}/durable/freeze`, { gid, branchId, transType: 'tcc', op: 'try' })).body);
      expect(await call('a', '01')).toEqual(['a', 'a', '01']);
      expect(await call('a', '02')).toEqual(['a', 'a', '02']);
      expect(await call('b', '01')).toEqual(['b', 'b', '01']);
    } finally {
      // what Nest does without a strategy
      ContextIdFactory.apply({ attach: (contextId: ContextId) => () => contextId });
    }
  });
});

describe('modules', () => {
  afterEach(closeApps);

  @Controller('bank')
  class BankController {
    constructor(readonly dtm: DtmService) {}
    @SagaBranch({ compensate: false })
    pay(): void {}
  }

  @Module({ controllers: [BankController] })
  class BankModule {}

  test('a feature module needs no import of DtmModule', async () => {
    const { url, app } = await startApp({ imports: [BankModule] });
    expect((await callBranch(`${url}/bank/pay`)).status).toBe(200);
    expect(app.get(BankController).dtm).toBe(app.get(DtmService));
  });

  test('a feature module needs the import when DtmModule is not global', async () => {
    expect(String(await bootstrapError({ imports: [BankModule], dtm: { isGlobal: false } }))).toMatch(
      /can't resolve dependencies/,
    );
    const { url } = await startApp({ controllers: [BankController], dtm: { isGlobal: false } });
    expect((await callBranch(`${url}/bank/pay`)).status).toBe(200);
  });

  test.each<[string, (server: DtmModuleOptions) => Parameters<typeof DtmModule.forRootAsync>[0]]>([
    [
      'useFactory',
      (options) => ({ inject: [ModuleRef], useFactory: async (_ref: ModuleRef) => Promise.resolve(options) }),
    ],
    [
      'useClass',
      (options) => {
        class Factory {
          createDtmOptions(): DtmModuleOptions {
            return options;
          }
        }
        return { useClass: Factory };
      },
    ],
  ])('forRootAsync with %s', async (_name, make) => {
    const server = recordingServer();
    @Module({ imports: [DtmModule.forRootAsync(make({ server })), BankModule] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: new LogBook(), abortOnError: false });
    await app.listen(0, '127.0.0.1');
    await app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined).submit();
    expect(server.submitted).toHaveLength(1);
    await app.close();
  });

  test('a test overrides the options of an imported module by DTM_OPTIONS', async () => {
    const server = recordingServer();
    @Module({ imports: [DtmModule.forRoot({ server: 'http://dtm.production:36789' }), BankModule] })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(DTM_OPTIONS)
      .useValue({ server } satisfies DtmModuleOptions)
      .compile();
    const app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    await app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined).submit();
    expect(server.submitted).toHaveLength(1);
    await app.close();
    expect(server.log.at(-1)).toBe('close');
  });

  test('two applications in one process are independent', async () => {
    const [a, b] = await Promise.all([
      startApp({ imports: [BankModule] }),
      startApp({ imports: [BankModule], platform: 'fastify' }),
    ]);
    await a.app.get(DtmService).saga({ gid: 'a' }).add(branchOf(BankController, 'pay'), undefined).submit();
    await b.app.get(DtmService).saga({ gid: 'b' }).add(branchOf(BankController, 'pay'), undefined).submit();
    expect(a.server.submitted.map(({ gid, steps }) => [gid, steps![0]!.action])).toEqual([['a', `${a.url}/bank/pay`]]);
    expect(b.server.submitted.map(({ gid, steps }) => [gid, steps![0]!.action])).toEqual([['b', `${b.url}/bank/pay`]]);
    await a.app.close();
    expect(a.server.log).toContain('close');
    expect(b.server.log).not.toContain('close');
    expect((await callBranch(`${b.url}/bank/pay`)).status).toBe(200);
  });

  test('query parameters and other decorators of Nest work in a branch', async () => {
    @Controller('bank')
    class QueryController {
      @TccAction({ confirm: 'confirm', cancel: 'cancel' })
      freeze(@BranchPayload() payload: unknown, @Query('shard') shard: string): unknown {
        return [payload, shard];
      }
      confirm(): void {}
      cancel(): void {}
    }
    const { url } = await startApp({ controllers: [QueryController] });
    const answer = await callBranch(`${url}/bank/freeze`, { transType: 'tcc', op: 'try', payload: 1 });
    expect(answer.body).toBe('[1,null]');
  });
});
