import {
  Body,
  Catch,
  Controller,
  Headers,
  HttpCode,
  Inject,
  Injectable,
  Module,
  Post,
  Query,
  Req,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplicationContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  APP_GUARD,
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ModuleRef,
  ModulesContainer,
  NestFactory,
  REQUEST,
} from '@nestjs/core';
import { Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RouteHandlers } from '../../../../lib/nest/undocumented/route-handlers.js';
import { closePlainApps } from './plain-app.js';

const log: string[] = [];

@Injectable()
class Greeting {
  readonly text = 'hello';
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly greeting: Greeting) {}
  canActivate(context: ExecutionContext): boolean {
    log.push(`guard ${this.greeting.text} ${context.getType()} ${context.getClass().name}`);
    return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-user'] !== 'nobody';
  }
}

const globalGuard: CanActivate = { canActivate: () => log.push('global guard') > 0 };

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    log.push('interceptor');
    return next.handle();
  }
}

@Catch()
class Filter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Answer>().body = `filtered: ${error.message}`;
  }
}

interface Answer {
  body?: unknown;
}

@Controller('plain')
@UseGuards(Guard)
@UseInterceptors(Interceptor)
@UseFilters(Filter)
class PlainController {
  constructor(private readonly greeting: Greeting) {}

  @Post('echo')
  @HttpCode(200)
  @UsePipes({ transform: (value: unknown) => (typeof value === 'number' ? value + 1 : value) })
  echo(
    @Body() body: number,
    @Query('q') query: string,
    @Headers('x-user') user: string,
    @Req() request: object,
  ): Observable<unknown> {
    return of({ body, query, user, hasRequest: 'headers' in request, greeting: this.greeting.text });
  }

  @Post('fail')
  fail(): void {
    throw new Error('broken');
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  constructor(@Inject(REQUEST) private readonly request: { body: unknown }) {}

  @Post('read')
  read(): unknown {
    return this.request.body;
  }
}

@Module({ controllers: [PlainController, ScopedController], providers: [Greeting] })
class FeatureModule {}

@Module({
  imports: [FeatureModule, DiscoveryModule],
  providers: [{ provide: APP_GUARD, useValue: globalGuard }],
})
class AppModule {}

let app: INestApplicationContext;

beforeEach(async () => {
  log.length = 0;
  app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
});
afterEach(async () => {
  await app.close();
  await closePlainApps();
});

/** Runs a route of the application. */
async function run(controller: object, method: string, request: object): Promise<Answer> {
  const routes = new RouteHandlers(app.get(ModulesContainer), app.get(ApplicationConfig), app.get(ModuleRef), {
    reply: (response, body) => Object.assign(response, { body }),
    status: () => undefined,
    setHeader: () => undefined,
    isHeadersSent: (response) => 'body' in response,
  });
  const found = app
    .get(DiscoveryService)
    .getControllers()
    .find(({ metatype }) => metatype === controller)!;
  const answer: Answer = {};
  await routes.create(found, method)({ headers: {}, query: {}, params: {}, ...request }, answer);
  return answer;
}

describe('RouteHandlers in an application without an HTTP server', () => {
  test('runs global and own guards, interceptors, pipes and the method', async () => {
    const request = { body: 1, query: { q: 'a' }, headers: { 'x-user': 'ada' } };
    expect(await run(PlainController, 'echo', request)).toEqual({
      body: { body: 2, query: 'a', user: 'ada', hasRequest: true, greeting: 'hello' },
    });
    expect(log).toEqual(['global guard', 'guard hello http PlainController', 'interceptor']);
  });

  test('gives what a guard and the method throw to the filters', async () => {
    expect(await run(PlainController, 'echo', { headers: { 'x-user': 'nobody' } })).toEqual({
      body: 'filtered: Forbidden resource',
    });
    expect(await run(PlainController, 'fail', {})).toEqual({ body: 'filtered: broken' });
  });

  test('creates a request-scoped controller for each request', async () => {
    const bodies = await Promise.all([1, 2].map((body) => run(ScopedController, 'read', { body })));
    expect(bodies.map(({ body }) => body)).toEqual([1, 2]);
  });
});
