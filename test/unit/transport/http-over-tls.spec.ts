import { httpTransport } from 'nestjs-dtm/client';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createAuthority, hasOpenssl } from '../../support/certificates.js';

it.skipIf(!hasOpenssl())('a branch over TLS may send interim answers, and a long body', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const body = 'x'.repeat(1_000_000);
  const server = createServer({ ...createAuthority().sign('DNS:localhost') }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n');
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const transport = httpTransport();
  onTestFinished(async () => {
    await transport.close();
    server.close();
  });
  const context = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' } as const;
  const url = `https://localhost:${(server.address() as AddressInfo).port}/b`;
  for (let count = 0; count < 3; count++) {
    const call = { url, context, payload: '1', timeoutSeconds: 20 };
    expect(await transport.call(call)).toEqual({ kind: 'success', body });
  }
});
