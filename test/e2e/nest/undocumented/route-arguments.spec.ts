import {
  Body,
  Controller,
  Headers,
  Next,
  Post,
  Query,
  Req,
  Res,
  createParamDecorator,
  type ArgumentMetadata,
} from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import {
  CALL_ARGUMENT_COUNT,
  addCallArguments,
  findBareParameter,
  findBodyIndex,
  hideParameterClass,
  sendsResponseItself,
} from '../../../../lib/nest/undocumented/route-arguments.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

const Custom = createParamDecorator(() => 'custom');

let seen: unknown[] = [];

@Controller('bank')
class BankController {
  @Post('none')
  none(...args: unknown[]): void {
    seen = args;
  }
  @Post('some')
  some(@Query('x') _x: unknown, @Custom() _custom: unknown, @Body() _body: unknown, ...more: unknown[]): void {
    seen = [_x, _custom, _body, ...more];
  }
  @Post('own')
  own(@Req() _request: unknown, @Headers() _headers: unknown, ...more: unknown[]): void {
    seen = [_request, _headers, ...more];
  }

  bare(@Custom() _custom: unknown, _bare: unknown, @Body() _body: unknown): void {}
  responds(@Res() _response: unknown): void {}
  passesThrough(@Res({ passthrough: true }) _response: unknown): void {}
  continues(@Next() _next: unknown): void {}
}

afterEach(closePlainApps);

describe.each(platforms)('addCallArguments on %s', (platform) => {
  test.each([
    ['none', 0],
    ['some', 3],
    ['own', 2],
  ])('makes Nest pass request and headers behind the arguments of %s', async (method, count) => {
    addCallArguments(BankController, method);
    addCallArguments(BankController, method);
    const { url } = await startPlainApp(platform, { controllers: [BankController] });
    await fetch(`${url}/bank/${method}?x=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-mark': 'mine' },
      body: '{"a":1}',
    });
    expect(seen).toHaveLength(count + CALL_ARGUMENT_COUNT);
    const [request, headers] = seen.slice(-CALL_ARGUMENT_COUNT);
    expect((request as { query: unknown }).query).toEqual({ x: '1' });
    expect(headers).toMatchObject({ 'x-mark': 'mine' });
    if (method === 'some') expect(seen.slice(0, 3)).toEqual(['1', 'custom', { a: 1 }]);
  });
});

test('parameters are found by their decorators', () => {
  expect(findBodyIndex(BankController, 'some')).toBe(2);
  expect(findBodyIndex(BankController, 'own')).toBeUndefined();
  expect(findBareParameter(BankController, 'bare', 3)).toBe(1);
  expect(findBareParameter(BankController, 'some', 3)).toBeUndefined();
});

test('a method that sends its response itself is found', () => {
  expect(
    ['responds', 'passesThrough', 'continues', 'own'].map((name) => sendsResponseItself(BankController, name)),
  ).toEqual([true, false, true, false]);
});

describe.each(platforms)('hideParameterClass on %s', (platform) => {
  test('makes pipes see Object in place of the class', async () => {
    const Value = createParamDecorator(() => 'value');
    const Hidden = (): ParameterDecorator => (target, method, index) => {
      Value('hidden')(target, method, index);
      hideParameterClass(target, method!, index);
    };

    @Controller()
    class TypedController {
      @Post('typed')
      typed(@Value('plain') _plain: BankController, @Hidden() _hidden: BankController): void {}
    }

    const types: Record<string, unknown> = {};
    const transform = (value: unknown, { data, metatype }: ArgumentMetadata) => {
      types[String(data)] = metatype;
      return value;
    };
    const { url } = await startPlainApp(platform, { controllers: [TypedController] }, (_adapter, plain) =>
      plain.useGlobalPipes({ transform }),
    );
    await fetch(`${url}/typed`, { method: 'POST' });
    expect(types).toMatchObject({ plain: BankController, hidden: Object });
  });
});
