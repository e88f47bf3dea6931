import { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import { findNodeRequest, findNodeResponse, findRequestOf } from '../../../../lib/nest/undocumented/node-messages.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp } from './plain-app.js';

const seen: unknown[] = [];

@Controller()
class BankController {
  @Get('pay')
  pay(@Req() request: object, @Res({ passthrough: true }) response: object): void {
    seen.push(findNodeRequest(request), findNodeResponse(response), findRequestOf(response) === request);
  }
}

afterEach(closePlainApps);

describe.each(platforms)('the objects of node:http on %s', (platform) => {
  test('are found, and the response leads to the request', async () => {
    seen.length = 0;
    const { url } = await startPlainApp(platform, { controllers: [BankController] });
    await fetch(`${url}/pay`);
    expect(seen).toEqual([expect.any(IncomingMessage), expect.any(ServerResponse), true]);
  });
});

test('a platform may hide them, or have a request of its own in their place', () => {
  expect(findNodeRequest({ method: 'GET' })).toBeUndefined();
  expect(findNodeRequest({ raw: new Request('http://bank') })).toBeUndefined();
  expect(findNodeResponse({ raw: new Response() })).toBeUndefined();
});
