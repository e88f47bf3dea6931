import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Client } from 'undici';
import { guardedConnector } from '../../../lib/transport/http/guarded-connector.js';

it('delivers an answer in parts, because each may have very many small chunks that are parsed in one go', async () => {
  const body = Buffer.alloc(1024 * 1024, 'x');
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    connect: guardedConnector(),
  });
  onTestFinished(async () => {
    await client.close();
    server.close();
  });
  const sizes: number[] = [];
  await new Promise<void>((resolve, reject) => {
    client.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData: (_controller, { length }) => void sizes.push(length),
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(body.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 1024);
});
