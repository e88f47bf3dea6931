import { Readable } from 'node:stream';
import {
  BadRequestException,
  Controller,
  Header,
  HttpCode,
  HttpException,
  Query,
  Req,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector, type AbstractHttpAdapter } from '@nestjs/core';
import { Branch, BranchPayload, SagaBranch, TccAction, type BranchContext } from 'nestjs-dtm';
import { SUCCESS_BODY, readHttpOutcome } from 'nestjs-dtm/protocol';
import { map, of, retry, tap, timeout } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callBranch, closeApps, deferred, startApp, type Answer, type Call } from './app.js';
import { platforms } from './platforms.js';

const TRY: Call = { transType: 'tcc', op: 'try' };

const seen: unknown[] = [];
const sees: NestInterceptor = {
  intercept: (_context, next) => next.handle().pipe(tap((value) => seen.push(value))),
};
const wraps: NestInterceptor = {
  intercept: (_context, next) => next.handle().pipe(map((value: unknown) => ({ data: value, word: 'FAILURE' }))),
};
const setsStatus: NestInterceptor = {
  intercept: (context, next) =>
    next.handle().pipe(
      tap(() => {
        const response = context.switchToHttp().getResponse<{ status(code: number): void }>();
        response.status(201);
      }),
    ),
};
const skips: NestInterceptor = { intercept: () => of('ONGOING') };
const breaks: NestInterceptor = {
  intercept: (_context, next) =>
    next.handle().pipe(
      tap(() => {
        throw new Error('could not commit');
      }),
    ),
};

beforeEach(() => {
  seen.length = 0;
});
afterEach(closeApps);

describe.each(platforms)('responses on %s', (platform) => {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    pay(): string {
      return 'result FAILURE';
    }

    @TccAction({ confirm: 'confirm', cancel: 'cancel' })
    freeze(): unknown {
      return { text: 'FAILURE' };
    }
    confirm(): void {}
    cancel(): void {}

    @HttpCode(201)
    @Header('Content-Type', 'text/plain')
    @SagaBranch({ compensate: 'undoCodes' })
    codes(): void {}
    @HttpCode(202)
    undoCodes(): void {}

    @UseInterceptors(wraps, setsStatus)
    @TccAction({ confirm: 'confirmOwn', cancel: 'cancelOwn' })
    own(): number {
      return 1;
    }
    confirmOwn(): void {}
    @UseInterceptors(breaks)
    cancelOwn(): void {}

    @SagaBranch({ compensate: false })
    streams(): Readable {
      return Readable.from(['FAILURE']);
    }
  }

  test.each(['codes', 'undoCodes'])('a success is 200 and JSON, whatever decorators say: %s', async (path) => {
    const { url } = await startApp({ platform, controllers: [BankController] });
    const answer = await callBranch(`${url}/bank/${path}`, { op: path === 'codes' ? 'action' : 'compensate' });
    expect(answer).toMatchObject({ status: 200, body: SUCCESS_BODY });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('interceptors get the result of a try, and the response carries what they return', async () => {
    const { url } = await startApp({
      platform,
      controllers: [BankController],
      configure: (app) => void app.useGlobalInterceptors(setsStatus, wraps, sees),
    });
    const answer = await callBranch(`${url}/bank/freeze`, TRY);
    expect(seen).toEqual([{ text: 'FAILURE' }]);
    expect(JSON.parse(answer.body)).toEqual({ data: { text: 'FAILURE' }, word: 'FAILURE' });
    expect(readHttpOutcome(answer.status, answer.body).kind).toBe('success');
    const own = await callBranch(`${url}/bank/own`, TRY);
    expect(own.status).toBe(200);
    expect(JSON.parse(own.body)).toMatchObject({ data: { data: 1 } });
  });

  test('interceptors cannot change the response of other operations', async () => {
    const { url } = await startApp({
      platform,
      controllers: [BankController],
      configure: (app) => void app.useGlobalInterceptors(setsStatus, wraps, sees),
    });
    for (const path of ['pay', 'streams']) {
      expect(await callBranch(`${url}/bank/${path}`)).toMatchObject({ status: 200, body: SUCCESS_BODY });
    }
    expect(seen).toEqual([undefined, undefined]);
  });

  test('an interceptor that returns a value itself replaces the method', async () => {
    const { url } = await startApp({
      platform,
      controllers: [BankController],
      configure: (app) => void app.useGlobalInterceptors(skips),
    });
    expect(await callBranch(`${url}/bank/pay`)).toMatchObject({ status: 200, body: SUCCESS_BODY });
    const answer = await callBranch(`${url}/bank/freeze`, TRY);
    expect(readHttpOutcome(answer.status, answer.body)).toEqual({ kind: 'success', body: '"\\u004fNGOING"' });
  });

  test('an interceptor that throws after the method prevents the success', async () => {
    const { app, url, logs } = await startApp({ platform, controllers: [BankController] });
    const answer = await callBranch(`${url}/bank/cancelOwn`, { transType: 'tcc', op: 'cancel' });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toEqual({
      message: expect.stringMatching(/^internal error [\da-f]{12};/) as string,
    });
    const log = /failed, although this operation must not fail; .*: could not commit/;
    expect(logs.of('DtmBranch')).toEqual([expect.stringMatching(log)]);
    await app.close();
  });

  test('an interceptor may call the method again, even while it runs', async () => {
    const ends: (() => void)[] = [];
    const again: NestInterceptor = { intercept: (_context, next) => next.handle().pipe(timeout(20), retry(1)) };
    @Controller('again')
    class AgainController {
      @UseInterceptors(again)
      @TccAction({ confirm: 'confirm', cancel: 'cancel' })
      async freeze(@BranchPayload() payload: unknown, ...more: unknown[]): Promise<unknown> {
        seen.push([payload, more]);
        const end = deferred();
        ends.push(end.resolve);
        await end.promise;
        return payload;
      }
      confirm(): void {}
      cancel(): void {}
    }
    const { app, server, url } = await startApp({ platform, controllers: [AgainController] });
    expect((await callBranch(`${url}/again/freeze`, { ...TRY, payload: 1 })).status).toBe(500);
    expect(seen).toEqual([
      [1, []],
      [1, []],
    ]);
    const closing = app.close();
    ends[0]!();
    while ((await callBranch(`${url}/again/confirm`, { ...TRY, op: 'confirm' })).status === 200);
    expect(server.log).not.toContain('close');
    ends[1]!();
    await closing;
    expect(server.log).toContain('close');
  });

  test('the responses of other routes do not change', async () => {
    @Controller('plain')
    class PlainController {
      @SagaBranch({ compensate: false })
      branch(): void {}
    }
    const { app, url } = await startApp({
      platform,
      controllers: [PlainController],
      configure: (nest) => {
        const adapter = nest.getHttpAdapter() as AbstractHttpAdapter;
        adapter.get('/other', (_request: unknown, response: unknown) => void adapter.reply(response, { a: 1 }, 203));
      },
    });
    const answer = await fetch(`${url}/other?gid=g&trans_type=saga&branch_id=01&op=action`);
    expect([answer.status, await answer.text()]).toEqual([203, '{"a":1}']);
    expect((await callBranch(`${url}/plain/branch`)).status).toBe(200);
    await app.close();
  });
});

describe('an error from outside of the route prevents the success', () => {
  @Controller('bank')
  class BankController {
    @SagaBranch({ compensate: false })
    async pay(): Promise<void> {
      await slow.promise;
    }
  }
  let slow = deferred();
  beforeEach(() => {
    slow = deferred();
  });

  test.each(platforms.filter((platform) => platform !== 'fastify'))(
    'of a time-out in middleware on %s',
    async (platform) => {
      const { url } = await startApp({
        platform,
        controllers: [BankController],
        configure: (app) =>
          void app.use((_request: unknown, _response: unknown, next: (error?: unknown) => void) => {
            setTimeout(() => next(new HttpException('too slow', 503)), 20);
            next();
          }),
      });
      const answer = await callBranch(`${url}/bank/pay`);
      slow.resolve();
      expect(answer.status).toBe(503);
    },
  );

  test('of a hook on Fastify', async () => {
    slow.resolve();
    const { url } = await startApp({
      platform: 'fastify',
      controllers: [BankController],
      configure: (app) => {
        let sent = 0;
        interface Instance {
          addHook(name: string, hook: () => Promise<void>): void;
        }
        (app.getHttpAdapter().getInstance() as Instance).addHook('onSend', async () => {
          sent += 1;
          if (sent === 1) throw new Error('could not compress');
        });
      },
    });
    expect((await callBranch(`${url}/bank/pay`)).status).toBe(500);
  });
});

const Role = Reflector.createDecorator<string>();
const roles: unknown[] = [];
class RoleGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    roles.push([new Reflector().get(Role, context.getHandler()), context.getHandler().name]);
    return true;
  }
}

/** As many packages do it: another function takes the place of the method, with its metadata. */
function Logs(target: object, name: string, descriptor: PropertyDescriptor): void {
  const method = descriptor.value as (...args: unknown[]) => unknown;
  function logs(this: unknown, ...args: unknown[]): unknown {
    seen.push(name);
    return method.apply(this, args);
  }
  for (const key of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), logs);
  }
  descriptor.value = logs;
}

/** As ParseIntPipe and others: takes every value for one of its own. */
const strict: PipeTransform = {
  transform: (value: unknown) => {
    if (typeof value !== 'number') throw new BadRequestException('not a number');
    return value;
  },
};

@Controller('methods')
class MethodsController {
  readonly #prefix = 'own';

  @Role('undo')
  undoBelow(): void {}

  @SagaBranch({ compensate: 'undoBelow' })
  @Role('below')
  @UseGuards(RoleGuard)
  below(): void {}

  @UseGuards(RoleGuard)
  @SetMetadata('x', 1)
  @Role('above')
  @SagaBranch({ compensate: 'undoAbove' })
  above(): void {}

  @UseGuards(RoleGuard)
  @Role('undo')
  undoAbove(): void {}

  @SagaBranch({ compensate: false })
  @Logs
  wrappedBelow(@BranchPayload() payload: unknown): void {
    seen.push(payload);
  }

  @Logs
  @SagaBranch({ compensate: false })
  wrappedAbove(@BranchPayload() payload: unknown): void {
    seen.push(payload);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() payload: unknown, @Branch() context: BranchContext, ...more: unknown[]): unknown {
    return [this.#prefix, payload, context.gid, more];
  }
  confirm(): void {}
  cancel(): void {}

  @UsePipes(strict)
  @SagaBranch({ compensate: false })
  piped(@BranchPayload() payload: number): void {
    seen.push(payload);
  }

  @TccAction({ confirm: 'confirmNested', cancel: 'cancelNested' })
  async nested(@BranchPayload() payload: unknown, @Req() request: object): Promise<unknown> {
    if (payload === 0) return 'url' in request;
    return [payload, await this.nested(0, request), this.other(2, 'x', request)];
  }
  confirmNested(): void {}
  cancelNested(): void {}

  @SagaBranch({ compensate: false })
  other(@BranchPayload() payload: unknown, @Query('x') x: string, @Req() request: object): unknown {
    return [payload, x, 'url' in request];
  }

  @SagaBranch({ compensate: false })
  async refused(
    @BranchPayload({ transform: () => Promise.reject(new Error('no')) }) _payload: unknown,
  ): Promise<void> {}
}

describe('the method itself', () => {
  test('runs unchanged when application code calls it', async () => {
    const controller = new MethodsController();
    const { freeze } = MethodsController.prototype;
    expect([freeze.name, freeze.length]).toEqual(['freeze', 2]);
    const context = { gid: 'g', transType: 'tcc', branchId: '01', op: 'try' } as const;
    expect(controller.freeze(1, context)).toEqual(['own', 1, 'g', []]);
    expect(controller.freeze(1, context, 'more')).toEqual(['own', 1, 'g', ['more']]);
    expect(controller.wrappedBelow(5)).toBeUndefined();
    expect(seen).toEqual(['wrappedBelow', 5]);
    class Sub extends MethodsController {
      override freeze(payload: unknown, branch: BranchContext): unknown {
        return ['sub', super.freeze(payload, branch)];
      }
    }
    expect(new Sub().freeze(1, context)).toEqual(['sub', ['own', 1, 'g', []]]);
  });
});

describe.each(platforms)('methods on %s', (platform) => {
  const call = async (path: string, options: Call = {}): Promise<Answer> => {
    const { url } = await startApp({ platform, controllers: [MethodsController] });
    return callBranch(`${url}/methods/${path}`, options);
  };

  test('guards find the metadata and the name of the method, above and below the branch decorator', async () => {
    const { url } = await startApp({ platform, controllers: [MethodsController] });
    roles.length = 0;
    expect((await callBranch(`${url}/methods/below`)).status).toBe(200);
    expect((await callBranch(`${url}/methods/above`)).status).toBe(200);
    expect((await callBranch(`${url}/methods/undoAbove`, { op: 'compensate' })).status).toBe(200);
    expect((await callBranch(`${url}/methods/undoBelow`, { op: 'compensate' })).status).toBe(200);
    expect(roles).toEqual([
      ['below', 'below'],
      ['above', 'above'],
      ['undo', 'undoAbove'],
    ]);
    expect(new Reflector().get(Role, MethodsController.prototype.undoBelow)).toBe('undo');
  });

  test.each(['wrappedBelow', 'wrappedAbove'])('a decorator may wrap the method: %s', async (path) => {
    expect(await call(path, { payload: 7 })).toMatchObject({ status: 200, body: SUCCESS_BODY });
    expect(seen).toEqual([path, 7]);
  });

  test('the method keeps its this, and gets only its own parameters', async () => {
    expect((await call('freeze', { ...TRY, gid: 'g', payload: 1 })).body).toBe('["own",1,"g",[]]');
  });

  test('pipes of the method get only its own parameters', async () => {
    expect(await call('piped', { payload: 7 })).toMatchObject({ status: 200, body: SUCCESS_BODY });
    expect(seen).toEqual([7]);
  });

  test('a branch method may call itself and another branch method', async () => {
    expect((await call('nested', { ...TRY, payload: 1 })).body).toBe('[1,true,[2,"x",true]]');
  });

  test('the application closes after a pipe threw', async () => {
    const { app, url } = await startApp({ platform, controllers: [MethodsController] });
    expect((await callBranch(`${url}/methods/refused`, { payload: 1 })).status).toBe(500);
    await app.close();
  });

  test('a controller and its subclass work, in one application after another', async () => {
    @Controller('base')
    class BaseController {
      @TccAction({ confirm: 'confirm', cancel: 'cancel' })
      freeze(@BranchPayload() payload: unknown): unknown {
        return [this.constructor.name, payload];
      }
      confirm(): void {}
      cancel(): void {}
    }
    @Controller('inheriting')
    class InheritingController extends BaseController {}

    for (const controllers of [[InheritingController, BaseController], [BaseController]]) {
      const { url } = await startApp({ platform, controllers });
      expect((await callBranch(`${url}/base/freeze`, { ...TRY, payload: 1 })).body).toBe('["BaseController",1]');
      if (controllers.length === 1) continue;
      const answer = await callBranch(`${url}/inheriting/freeze`, { ...TRY, payload: 1 });
      expect(answer.body).toBe('["InheritingController",1]');
    }

    // defined when the class above is in use already
    @Controller('decorated')
    class DecoratedController extends BaseController {
      @TccAction({ confirm: 'confirm', cancel: 'cancel' })
      override freeze(@BranchPayload() payload: unknown, @Branch() context?: BranchContext): unknown {
        return [payload, context?.gid];
      }
      override confirm(): void {}
      override cancel(): void {}
    }
    const { url } = await startApp({ platform, controllers: [DecoratedController] });
    expect((await callBranch(`${url}/decorated/freeze`, { ...TRY, gid: 'g', payload: 1 })).body).toBe('[1,"g"]');
  });
});
