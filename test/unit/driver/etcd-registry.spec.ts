import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { EtcdRegistry } from '../../../lib/driver/support/registry/etcd/etcd-registry.js';
import { waitUntil } from '../../support/wait-until.js';

const GRPC = { ':status': 200, 'content-type': 'application/grpc' };

/** An empty header: no keys, at revision 0. */
const EMPTY_RANGE = framed(Buffer.from([0x0a, 0]));
/** The same, and the watch was created. */
const WATCH_CREATED = framed(Buffer.from([0x0a, 0, 0x18, 1]));
/** The same, and the watch has ended. */
const WATCH_CANCELED = framed(Buffer.from([0x0a, 0, 0x20, 1]));

it('the client of etcd needs one connection for reads and watches, and none after its close', async () => {
  const sessions = new Set<ServerHttp2Session>();
  const paths: string[] = [];
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, { ':path': path = '' }) => {
    paths.push(path);
    stream.on('error', () => undefined).resume();
    if (path === '/etcdserverpb.Watch/Watch') {
      stream.respond(GRPC);
      stream.on('data', (request: Buffer) => stream.write(request[5] === 0x0a ? WATCH_CREATED : WATCH_CANCELED));
    } else {
      stream.respond(GRPC, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY_RANGE);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });

  const { port } = server.address() as AddressInfo;
  const registry = new EtcdRegistry([{ host: '127.0.0.1', port }]);
  const found: string[] = [];
  const stop = registry.watch('bank/', {
    found: (entries) => found.push(`${entries.length} found`),
    failed: (reason) => found.push(reason),
  });
  await waitUntil(() => paths.length === 2);
  expect(found).toEqual(['0 found']);
  expect(paths).toEqual(['/etcdserverpb.KV/Range', '/etcdserverpb.Watch/Watch']);
  expect(sessions.size).toBe(1);

  stop();
  registry.close();
  await expect.poll(() => sessions.size).toBe(0);
});

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
