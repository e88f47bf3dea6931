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
  type CanActivate,
} from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import {
  hasResponseDecorator,
  hasRoute,
  hasRouteForAllMethods,
  listExceptionFilters,
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
  @UseGuards(First)
  @UseGuards(Second)
  @Post('guarded')
  guarded(): void {}
}

const { plain, post, all, mapped, redirects, renders, streams, filtered, guarded } = BankController.prototype;

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
