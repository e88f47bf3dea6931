import { Body, Controller, Post } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { afterEach, describe, expect, test } from 'vitest';
import { acceptStrictJsonBodies } from '../../../../lib/nest/undocumented/strict-json-bodies.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

@Controller()
class BankController {
  @Post('pay')
  pay(@Body() body: unknown): unknown {
    return { body };
  }
}

const isMeant = (request: object): boolean => 'gid' in (request as { query: object }).query;

afterEach(closePlainApps);

describe.each(platforms.filter((platform) => platform !== 'fastify'))('a strict JSON parser on %s', (platform) => {
  const send = async (query: string, body: string, accepts = true): Promise<unknown> => {
    const { url } = await startPlainApp(platform, { controllers: [BankController] }, (adapter) => {
      if (accepts) acceptStrictJsonBodies(adapter, isMeant);
    });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/pay${query}`, { method: 'POST', headers, body });
    return answer.status === 201 ? JSON.parse(await answer.text()) : answer.status;
  };

  test('refuses JSON values by itself', async () => {
    expect(await send('?gid=1', 'null', false)).toBe(400);
    expect(await send('?gid=1', '30', false)).toBe(400);
  });

  test.each(['null', '30', '"x"', ' false '])('leaves %s to us', async (body) => {
    expect(await send('?gid=1', body)).toEqual({ body: JSON.parse(body) as unknown });
  });

  test('goes on refusing the bodies of other requests, and broken JSON', async () => {
    expect(await send('', 'null')).toBe(400);
    expect(await send('?gid=1', 'nulx')).toBe(400);
    expect(await send('?gid=1', '{"a":')).toBe(400);
    expect(await send('?gid=1', '{"a":1}')).toEqual({ body: { a: 1 } });
  });
});

test('an adapter that knows only plain middleware is not disturbed', () => {
  let middleware: ((...args: unknown[]) => void) | undefined;
  const adapter = { use: (given: typeof middleware) => (middleware = given) } as unknown as AbstractHttpAdapter;
  acceptStrictJsonBodies(adapter, () => true);
  const calls: unknown[][] = [];
  middleware!({}, {}, (...args: unknown[]) => calls.push(args));
  expect(calls).toEqual([[]]);
});
