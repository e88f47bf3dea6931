import {
  BadRequestException,
  Controller,
  Get,
  HttpCode,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type NestInterceptor,
} from '@nestjs/common';
import { map } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { interceptReplies, type ReplaceReply } from '../../../../lib/nest/undocumented/adapter-reply.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

const guarded = new WeakSet<object>();

const marks: CanActivate = {
  canActivate: (context) => {
    guarded.add(context.switchToHttp().getResponse<object>());
    return true;
  },
};

const wraps: NestInterceptor = { intercept: (_context, next) => next.handle().pipe(map((value: unknown) => [value])) };

@UseGuards(marks)
@Controller('bank')
class BankController {
  @HttpCode(202)
  @UseInterceptors(wraps)
  @Get('pay')
  pay(): string {
    return 'paid';
  }

  @Get('fail')
  fail(): void {
    throw new BadRequestException('no');
  }
}

afterEach(closePlainApps);

describe.each(platforms)('interceptReplies on %s', (platform) => {
  const start = (replace: ReplaceReply) =>
    startPlainApp(platform, { controllers: [BankController] }, (adapter) => interceptReplies(adapter, replace));

  test('gets what the interceptors made of a result, with the response that guards saw, and replaces it', async () => {
    const seen: unknown[] = [];
    const { url } = await start((response, body, status) => {
      seen.push([guarded.has(response), body, status]);
      return { status: 203, body: '{"replaced":true}' };
    });
    const answer = await fetch(`${url}/bank/pay`);
    // the status of a result is set before
    expect(seen).toEqual([[true, ['paid'], undefined]]);
    expect([answer.status, await answer.text()]).toEqual([203, '{"replaced":true}']);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('gets errors with their status, and leaves alone what it is told to', async () => {
    const statuses: unknown[] = [];
    const { url } = await start((_response, _body, status) => void statuses.push(status));
    expect((await fetch(`${url}/bank/fail`)).status).toBe(400);
    const answer = await fetch(`${url}/bank/pay`);
    expect([answer.status, await answer.text()]).toEqual([202, '["paid"]']);
    expect(statuses).toEqual([400, undefined]);
  });
});
