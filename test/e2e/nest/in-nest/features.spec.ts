import {
  Catch,
  ClassSerializerInterceptor,
  Controller,
  HttpException,
  Injectable,
  UnprocessableEntityException,
  UseGuards,
  ValidationPipe,
  VersioningType,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import fastifyHelmet from '@fastify/helmet';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { Exclude } from 'class-transformer';
import { IsInt } from 'class-validator';
import helmet from 'helmet';
import {
  BranchPayload,
  DtmFailureError,
  SagaBranch,
  TccAction,
  Xa,
  XaBranch,
  branchOf,
  isDtmBranch,
  type BranchHeaders,
  type DtmModuleOptions,
  type XaParticipant,
} from 'nestjs-dtm';
import { map, type Observable } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { callBranch } from '../app.js';
import { headerOf, startOver, ways, type StartOptions } from './start-over.js';
import { xaWithoutDatabase } from '../xa-without-database.js';

const calls: string[] = [];

class Amount {
  @IsInt()
  value!: number;
}

class Held {
  amount = 5;
  @Exclude()
  pin = 1234;
}

function createBank() {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    pay(@BranchPayload() { value }: Amount): void {
      calls.push(`pay ${value}`);
      if (value === 0) throw new DtmFailureError('no money');
      if (value < 0) throw new TypeError('broken');
    }

    @TccAction({ confirm: 'confirm', cancel: 'cancel' })
    hold(@BranchPayload() _amount: Amount): Held {
      calls.push('hold');
      return new Held();
    }
    @XaBranch()
    async move(@BranchPayload() _amount: Amount, @Xa() xa: XaParticipant<string>): Promise<Held> {
      await xa.call(() => Promise.resolve());
      return new Held();
    }

    confirm(): object {
      calls.push('confirm');
      return { some: 'result' };
    }
    cancel(): void {}
  }
  return BankController;
}

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

beforeEach(() => void calls.splice(0));

describe.each(ways)('on %s over %s', (platform, over) => {
  const protocol = over === 'grpc' ? 'grpc' : 'http';

  async function start(options: Partial<StartOptions> = {}) {
    const BankController = createBank();
    const { dtm, ...rest } = await startOver([platform, over], {
      controllers: [BankController],
      ...options,
      dtm: { databases: { default: { xa: xaWithoutDatabase } }, ...options.dtm },
    });
    const pay = (value: unknown, gid: string, branchHeaders?: BranchHeaders) =>
      dtm.saga({ gid, branchHeaders }).add(branchOf(BankController, 'pay', { over }), { value } as Amount);
    const hold = () =>
      dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'hold', { over }), { value: 5 }), {
        waitResult: true,
        protocol,
      });
    const move = () =>
      dtm.xa((xa) => xa.call(branchOf(BankController, 'move', { over }), { value: 5 }), { waitResult: true, protocol });
    const lastError = async (gid: string) => (await dtm.query(gid))?.branches[1]?.lastError;
    return { dtm, pay, hold, move, lastError, ...rest };
  }

  describe('a ThrottlerGuard', () => {
    const throttled = (
      options: { readonly skipIf?: typeof isDtmBranch },
      dtm: Partial<DtmModuleOptions> = {},
    ): Partial<StartOptions> => ({
      imports: [ThrottlerModule.forRoot({ throttlers: [{ ttl: 60_000, limit: 1 }], ...options })],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
      dtm,
    });

    test('counts branch calls, and what it refuses is called again', async () => {
      const { pay, lastError } = await start(throttled({}));
      await pay(1, 'g1').submit({ waitResult: true });
      await pay(2, 'g2').submit();
      await expect.poll(() => lastError('g2')).toMatch(/ThrottlerException/);
      expect(calls).toEqual(['pay 1']);
    });

    test.each<[string, Partial<StartOptions>]>([
      ['skipIf: isDtmBranch', throttled({ skipIf: isDtmBranch })],
      ['routeDecorators: [SkipThrottle()]', throttled({}, { routeDecorators: [SkipThrottle()] })],
    ])('passes branches with %s', async (_what, options) => {
      const { pay } = await start(options);
      for (const gid of ['g1', 'g2', 'g3']) await pay(1, gid).submit({ waitResult: true });
      expect(calls).toHaveLength(3);
    });
  });

  test('helmet leaves branches alone', async () => {
    const { pay, hold, url } = await start({
      configure: async (app) => {
        if (platform === 'fastify') {
          await (app as INestApplication & { register(plugin: unknown): Promise<void> }).register(fastifyHelmet);
        } else app.use(helmet());
      },
    });
    await pay(1, 'g1').submit({ waitResult: true });
    expect(await hold()).toEqual({ amount: 5, pin: 1234 });
    const answer = await callBranch(`${url}/bank/pay`, { payload: { value: 1 } });
    expect(answer).toMatchObject({ status: 200, body: '{"dtm_result":"SUCCESS"}' });
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('a global prefix and URI versions are part of URLs only', async () => {
    const { dtm, pay } = await start({
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' });
      },
    });
    await pay(1, 'g1').submit({ waitResult: true });
    const url = (await dtm.query('g1'))?.branches[1]?.url;
    expect(url).toMatch(
      {
        http: /^http:\/\/127\.0\.0\.1:\d+\/api\/v2\/bank\/pay$/,
        grpc: /\/nestjsdtm\.Bank\/Pay$/,
        'in-process': /^app:\/\/\/bank\/pay$/,
      }[over],
    );
  });

  test('global exception filters do not see the errors of a branch', async () => {
    const seen: unknown[] = [];

    @Catch()
    class Filter implements ExceptionFilter {
      catch(error: unknown, _host: ArgumentsHost): void {
        seen.push(error);
      }
    }

    const { dtm, pay } = await start({ configure: (app) => void app.useGlobalFilters(new Filter()) });
    await expect(pay(0, 'g1').submit({ waitResult: true })).rejects.toThrow(/no money/);
    await pay(-1, 'g2').submit();
    await expect.poll(async () => (await dtm.query('g2'))?.branches[1]?.lastError).toMatch(/internal error/);
    expect(seen).toEqual([]);
  });

  test('an interceptor that wraps results wraps those of tries and XA actions only', async () => {
    const { pay, hold, move } = await start({ providers: [{ provide: APP_INTERCEPTOR, useClass: Wrapping }] });
    await pay(1, 'g1').submit({ waitResult: true });
    expect(await hold()).toEqual({ data: { amount: 5, pin: 1234 } });
    if (over !== 'in-process') expect(await move()).toEqual({ data: { amount: 5, pin: 1234 } });
    expect(calls).toEqual(['pay 1', 'hold', 'confirm']);
  });

  test('an interceptor leaves branches alone with isDtmBranch', async () => {
    class WrappingOthers extends Wrapping {
      override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return isDtmBranch(context) ? next.handle() : super.intercept(context, next);
      }
    }
    const { hold } = await start({ providers: [{ provide: APP_INTERCEPTOR, useClass: WrappingOthers }] });
    expect(await hold()).toEqual({ amount: 5, pin: 1234 });
  });

  test('ClassSerializerInterceptor serializes the results of tries and XA actions', async () => {
    const { pay, hold, move } = await start({
      configure: (app) => void app.useGlobalInterceptors(new ClassSerializerInterceptor(app.get(Reflector))),
    });
    await pay(1, 'g1').submit({ waitResult: true });
    expect(await hold()).toEqual({ amount: 5 });
    if (over !== 'in-process') expect(await move()).toEqual({ amount: 5 });
  });

  test.each([false, true])('a ValidationPipe with transform: %j refuses a payload for good', async (transform) => {
    const { pay, hold } = await start({
      configure: (app) =>
        void app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform, validateCustomDecorators: true })),
    });
    await hold();
    await expect(pay('many', 'g1').submit({ waitResult: true })).rejects.toThrow(/value must be an integer number/);
    expect(calls).toEqual(['hold', 'confirm']);
  });

  test('a pipe that translates its messages gets the language from a header', async () => {
    const texts: Record<string, string> = { de: 'Das ist keine Zahl', en: 'This is no number' };
    let language = 'en';

    /** Like the middleware of nestjs-i18n, which has no place over gRPC and in process, as an interceptor. */
    @Injectable()
    class Language implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        language = String(headerOf(context, 'accept-language') ?? 'en');
        return next.handle();
      }
    }

    const { pay } = await start({
      providers: [{ provide: APP_INTERCEPTOR, useClass: Language }],
      configure: (app) =>
        void app.useGlobalPipes(
          new ValidationPipe({ exceptionFactory: () => new UnprocessableEntityException(texts[language]) }),
        ),
    });
    const german = pay('many', 'g1', { 'accept-language': 'de' }).submit({ waitResult: true });
    await expect(german).rejects.toThrow(texts['de']);
    await expect(pay('many', 'g2').submit({ waitResult: true })).rejects.toThrow(texts['en']);
  });

  test('an exception that only a filter could translate arrives with its own message', async () => {
    class TranslatableException extends HttpException {
      constructor(readonly errors: readonly unknown[]) {
        super('Bad Request', 400);
      }
    }
    const { pay } = await start({
      configure: (app) =>
        void app.useGlobalPipes(
          new ValidationPipe({ exceptionFactory: (errors) => new TranslatableException(errors) }),
        ),
    });
    await expect(pay('many', 'g1').submit({ waitResult: true })).rejects.toThrow(/Bad Request/);
  });
});

describe('a hybrid application', () => {
  const hybrid = (inheritAppConfig: boolean, options: Partial<StartOptions>) => {
    const BankController = createBank();
    return startOver(['express', 'grpc'], {
      controllers: [BankController],
      inheritAppConfig,
      dtm: { databases: { default: { xa: xaWithoutDatabase } } },
      ...options,
    }).then(
      ({ dtm }) =>
        (gid: string, value: unknown) =>
          dtm
            .saga({ gid })
            .add(branchOf(BankController, 'pay', { over: 'grpc' }), { value } as Amount)
            .submit({ waitResult: true }),
    );
  };
  const refusing = { canActivate: () => false };

  test.each<[string, Partial<StartOptions>]>([
    ['APP_GUARD', { providers: [{ provide: APP_GUARD, useValue: refusing }] }],
    ['useGlobalGuards', { configure: (app) => void app.useGlobalGuards(refusing) }],
  ])('has the guards of %s over gRPC with inheritAppConfig only', async (_what, options) => {
    const open = await hybrid(false, options);
    await open('g1', 1);
    expect(calls).toEqual(['pay 1']);
    const closed = await hybrid(true, options);
    await expect(closed('g2', 1)).rejects.toThrow();
    expect(calls).toEqual(['pay 1']);
  });

  test('has global pipes over gRPC with inheritAppConfig only', async () => {
    const options: Partial<StartOptions> = { configure: (app) => void app.useGlobalPipes(new ValidationPipe()) };
    const open = await hybrid(false, options);
    await open('g1', 'many');
    expect(calls).toEqual(['pay many']);
    const closed = await hybrid(true, options);
    await expect(closed('g2', 'many')).rejects.toThrow(/must be an integer number/);
  });

  test('has the guards of controllers and methods over gRPC in any case', async () => {
    @UseGuards({ canActivate: () => false })
    @Controller('bank')
    class GuardedController {
      @SagaBranch({ compensate: false })
      pay(): void {
        calls.push('guarded');
      }
    }
    const { dtm } = await startOver(['express', 'grpc'], { controllers: [GuardedController], inheritAppConfig: false });
    const saga = dtm.saga().add(branchOf(GuardedController, 'pay', { over: 'grpc' }), undefined);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow();
    expect(calls).toEqual([]);
  });
});
