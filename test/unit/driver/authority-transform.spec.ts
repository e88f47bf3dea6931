import { once } from 'node:events';
import { connect, createServer as createPlainServer, type Server } from 'node:net';
import { createServer, type IncomingHttpHeaders } from 'node:http2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AuthorityTransform } from '../../../lib/driver/polaris/authority-transform.js';
import { openAuthorityProxy } from '../../../lib/driver/polaris/authority-proxy.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const start = Buffer.alloc(9);
  start.writeUIntBE(payload.length, 0, 3);
  start[3] = type;
  start[4] = flags;
  start.writeUInt32BE(stream, 5);
  return Buffer.concat([start, payload]);
}

/** `:method POST`, `:scheme http`, and a literal path, as gRPC for Go writes them. */
function head(path: string): Buffer {
  return Buffer.concat([Buffer.from([0x83, 0x86, 0x44, path.length]), Buffer.from(path)]);
}

const AUTHORITY = Buffer.from([0x81]);
const NAMED = Buffer.from('\u0001\u0009localhost', 'latin1');
const CONTENT = Buffer.concat([Buffer.from([0x5f, 0x10]), Buffer.from('application/grpc')]);

/** The output for bytes in chunks. */
async function through(bytes: Buffer, size: number): Promise<Buffer> {
  const transform = new AuthorityTransform();
  const out: Buffer[] = [];
  transform.on('data', (chunk: Buffer) => out.push(chunk));
  for (let at = 0; at < bytes.length; at += size) transform.write(bytes.subarray(at, at + size));
  transform.end();
  await once(transform, 'end');
  return Buffer.concat(out);
}

const conversation = (authority: Buffer): Buffer =>
  Buffer.concat([
    PREFACE,
    SETTINGS,
    frame(1, 4, 1, Buffer.concat([head('/b.B/In'), authority, CONTENT])),
    frame(0, 1, 1, Buffer.from([0, 0, 0, 0, 1, 0x81])),
    // padded, with a priority
    frame(
      1,
      0x2c,
      3,
      Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 16]), head('/x'.repeat(40)), authority, CONTENT, Buffer.alloc(2)]),
    ),
    frame(1, 4, 5, Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f, 0x83, 0x86, 0xc0]), authority, CONTENT])),
    // a literal name
    frame(1, 4, 7, Buffer.concat([Buffer.from([0x83, 0x00, 0x01, 0x61, 0x01, 0x62]), authority])),
  ]);

describe('an empty :authority', () => {
  it.each([1, 2, 7, 10_000])('gets a value, in chunks of %i bytes', async (size) => {
    expect(await through(conversation(AUTHORITY), size)).toEqual(conversation(NAMED));
  });

  it.each([
    ['one with a name', conversation(Buffer.from('\u0041\u0003bbb', 'latin1'))],
    ['no HTTP/2', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3))],
    ['the beginning of a frame', conversation(NAMED).subarray(0, -3)],
    ['headers that end in the middle', Buffer.concat([PREFACE, frame(1, 0, 1, Buffer.from([0x83, 0x44, 0x7f, 0xff]))])],
    ['headers of nothing', Buffer.concat([PREFACE, frame(1, 0, 1, Buffer.alloc(0)), frame(1, 8, 3, Buffer.from([1]))])],
    ['a frame that is too long', Buffer.concat([PREFACE, frame(1, 4, 1, Buffer.alloc(20_000, 0x81))])],
    ['the value 0x81 in a text', Buffer.concat([PREFACE, frame(1, 4, 1, Buffer.from([0x44, 0x02, 0x81, 0x81, 0x83]))])],
  ])('%s is forwarded unchanged', async (_, bytes) => {
    expect(await through(bytes, 5)).toEqual(bytes);
    expect(await through(bytes, 100_000)).toEqual(bytes);
  });

  it('is refused by Node, but not behind the proxy', async () => {
    const headers: IncomingHttpHeaders[] = [];
    const server = createServer();
    server.on('stream', (stream, received) => {
      headers.push(received);
      stream.respond();
      stream.end();
    });
    server.on('sessionError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const front = await openAuthorityProxy(0, { host: '127.0.0.1', port });
    onTestFinished(() => front.close());

    const ask = async (to: number): Promise<number[]> => {
      const socket = connect(to, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      const types: number[] = [];
      socket.on('data', (chunk: Buffer) => {
        for (let at = 0; at + 9 <= chunk.length; at += 9 + chunk.readUIntBE(at, 3)) types.push(chunk[at + 3]!);
      });
      const request = frame(1, 5, 1, Buffer.concat([head('/b.B/In'), AUTHORITY, CONTENT]));
      socket.write(Buffer.concat([PREFACE, SETTINGS, request]));
      await expect.poll(() => types.some((type) => type === 1 || type === 3)).toBe(true);
      return types;
    };
    // RST_STREAM, and headers
    expect(await ask(port)).toContain(3);
    expect(headers).toEqual([]);
    expect(await ask(front.port)).toContain(1);
    expect(headers).toMatchObject([{ ':authority': 'localhost', ':path': '/b.B/In' }]);
  });

  it('has no proxy at a port that is taken', async () => {
    const other: Server = createPlainServer().listen(0);
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(openAuthorityProxy(port, { host: '127.0.0.1', port: 1 })).rejects.toThrow(
      /proxyPort \d+ cannot be opened/,
    );
  });
});
