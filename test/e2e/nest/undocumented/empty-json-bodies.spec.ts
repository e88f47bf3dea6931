import { Body, Controller, Post } from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import { acceptEmptyJsonBodies, hasParserHooks } from '../../../../lib/nest/undocumented/empty-json-bodies.js';
import { createAdapter, platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

@Controller()
class BankController {
  @Post('pay')
  pay(@Body() body: unknown): unknown {
    return { has: body !== undefined && body !== null };
  }
}

const isMeant = (request: object): boolean => 'gid' in (request as { query: object }).query;

afterEach(closePlainApps);

test('only Fastify has hooks around its parsers', () => {
  expect(platforms.filter((platform) => hasParserHooks(createAdapter(platform)))).toEqual(['fastify']);
});

describe('a JSON content type without a body on Fastify', () => {
  const send = async (query: string, accepts = true, body?: string): Promise<unknown> => {
    const { url } = await startPlainApp('fastify', { controllers: [BankController] }, (adapter) => {
      if (accepts) acceptEmptyJsonBodies(adapter, isMeant);
    });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/pay${query}`, { method: 'POST', headers, body: body ?? null });
    return answer.status === 201 ? JSON.parse(await answer.text()) : answer.status;
  };

  test('is refused by Fastify', async () => {
    expect(await send('?gid=1', false)).toBe(400);
  });

  test('is accepted for the requests that are meant, and a body stays', async () => {
    expect(await send('?gid=1')).toEqual({ has: false });
    expect(await send('?gid=1', true, '{}')).toEqual({ has: true });
    expect(await send('')).toBe(400);
  });
});
