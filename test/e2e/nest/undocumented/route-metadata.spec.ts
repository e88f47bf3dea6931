import {
  All,
  Controller,
  Post,
  Redirect,
  Render,
  RequestMapping,
  RequestMethod,
  Sse,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
} from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import {
  hasResponseDecorator,
  hasRoute,
  hasRouteForAllMethods,
  listEnhancers,
  listExceptionFilters,
  listGuards,
  moveGuardToEnd,
} from '../../../../lib/nest/undocumented/route-metadata.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

const order: string[] = [];

class First implements CanActivate {
  canActivate = (): boolean => order.push('first') > 0;
}
class Second implements CanActivate {
  canActivate = (): boolean => order.push('second') > 0;
}
class Filter {
  catch(): void {}
}

class Around {
  intercept = (_context: unknown, next: CallHandler): unknown => next.handle();
}
class Through {
  transform = (value: unknown): unknown => value;
}

@Controller('bank')
class BankController {
  plain(): void {}
  @Post('post')
  post(): void {}
  @All('all')
  all(): void {}
  @RequestMapping({ path: 'mapped', method: RequestMethod.ALL })
  mapped(): void {}
  @Redirect('/x')
  redirects(): void {}
  @Render('x')
  renders(): void {}
  @Sse('x')
  streams(): void {}
  @UseFilters(Filter)
  filtered(): void {}
  @UseInterceptors(Around)
  @UsePipes(Through)
  @UseFilters(Filter)
  @UseGuards(First)
  @Post('enhanced')
  enhanced(): void {}
  @UseGuards(First)
  @UseGuards(Second)
  @Post('guarded')
  guarded(): void {}
}

@UseGuards(Second)
class GuardedController {}

const { plain, post, all, mapped, redirects, renders, streams, filtered, guarded, enhanced } = BankController.prototype;

afterEach(closePlainApps);

test('route decorators are found', () => {
  expect([plain, post, all, mapped].map(hasRoute)).toEqual([false, true, true, true]);
  expect([plain, post, all, mapped].map(hasRouteForAllMethods)).toEqual([false, false, true, true]);
});

test('decorators of the response are found', () => {
  expect([post, redirects, renders, streams].map(hasResponseDecorator)).toEqual([false, true, true, true]);
});

test('exception filters are found', () => {
  expect(listExceptionFilters(post)).toEqual([]);
  expect(listExceptionFilters(filtered)).toEqual([Filter]);
});

test('guards are found, and so are all enhancers of a method', () => {
  expect(listGuards(GuardedController)).toEqual([Second]);
  expect(listGuards(guarded)).toEqual([Second, First]);
  expect(listGuards(post)).toEqual([]);
  expect(listEnhancers(post)).toEqual([]);
  expect(listEnhancers(enhanced).toSorted()).toEqual([Around, Filter, First, Through].toSorted());
});

describe.each(platforms)('moveGuardToEnd on %s', (platform) => {
  test.each([
    [First, ['second', 'first']],
    [Second, ['first', 'second']],
  ])('makes Nest run %o last', async (guard, expected) => {
    order.length = 0;
    moveGuardToEnd(guarded, guard);
    moveGuardToEnd(guarded, guard);
    const { url } = await startPlainApp(platform, { controllers: [BankController] });
    await fetch(`${url}/bank/guarded`, { method: 'POST' });
    expect(order).toEqual(expected);
  });
});
