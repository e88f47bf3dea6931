import { Server, ServerCredentials } from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as http2Connect, createServer, type Http2Server } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acceptEmptyAuthority } from '../../../lib/support/empty-authority/accept-empty-authority.js';
import { AuthorityMender } from '../../../lib/support/empty-authority/authority-mender.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { PlainGrpcClient } from '../../support/plain-grpc-client.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
const ACK = frame(4, 1, 0, Buffer.alloc(0));

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
function through(bytes: Buffer, size: number, mender = new AuthorityMender()): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...mender.mend(bytes.subarray(at, at + size)));
  return Buffer.concat([...out, mender.rest()]);
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
  it.each([1, 2, 7, 10_000])('gets a value, in chunks of %i bytes', (size) => {
    expect(through(conversation(AUTHORITY), size)).toEqual(conversation(NAMED));
  });

  it.each([
    ['one with a name', conversation(Buffer.from('\u0041\u0003bbb', 'latin1'))],
    ['no HTTP/2', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3))],
    ['the beginning of a frame', conversation(NAMED).subarray(0, -3)],
    ['headers that end in the middle', Buffer.concat([PREFACE, frame(1, 0, 1, Buffer.from([0x83, 0x44, 0x7f, 0xff]))])],
    ['headers of nothing', Buffer.concat([PREFACE, frame(1, 0, 1, Buffer.alloc(0)), frame(1, 8, 3, Buffer.from([1]))])],
    ['a frame that is too long', Buffer.concat([PREFACE, frame(1, 4, 1, Buffer.alloc(20_000, 0x81))])],
    ['the value 0x81 in a text', Buffer.concat([PREFACE, frame(1, 4, 1, Buffer.from([0x44, 0x02, 0x81, 0x81, 0x83]))])],
  ])('%s is forwarded unchanged', (_, bytes) => {
    expect(through(bytes, 5)).toEqual(bytes);
    expect(through(bytes, 100_000)).toEqual(bytes);
  });

  it.each([1, 5, 10_000])(
    'is mended beside a confirmation of SETTINGS that is left out, in chunks of %i bytes',
    (size) => {
      const [request, mended] = [AUTHORITY, NAMED].map((authority) =>
        frame(1, 5, 1, Buffer.concat([head('/b.B/In'), authority, CONTENT])),
      ) as [Buffer, Buffer];
      const sent = Buffer.concat([PREFACE, SETTINGS, request, ACK, ACK]);
      const forwarded = Buffer.concat([PREFACE, SETTINGS, mended, ACK]);
      expect(through(sent, size, new AuthorityMender(true))).toEqual(forwarded);
    },
  );
});

/** A client that writes frames. */
class Client {
  readonly frames: number[] = [];
  readonly socket: Socket;
  isClosed = false;
  #received = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay();
    onTestFinished(() => void this.socket.destroy());
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#received.length >= 9 && this.#received.length >= 9 + this.#received.readUIntBE(0, 3)) {
        this.frames.push(this.#received[3]!);
        this.#received = this.#received.subarray(9 + this.#received.readUIntBE(0, 3));
      }
    });
  }

  send(...parts: Buffer[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** Waits for the SETTINGS of the server, as clients of gRPC do. */
  async greeted(): Promise<this> {
    await expect.poll(() => this.frames).toContain(4);
    return this;
  }

  /** Whether the request gets headers, or is refused. */
  async outcome(): Promise<'served' | 'refused'> {
    await expect.poll(() => this.frames.some((type) => type === 1 || type === 3)).toBe(true);
    return this.frames.includes(1) ? 'served' : 'refused';
  }
}

const request = (authority: Buffer): Buffer => frame(1, 5, 1, Buffer.concat([head('/b.B/In'), authority, CONTENT]));
const EMPTY = request(AUTHORITY);
const GIVEN = request(Buffer.from('\u0041\u0003bbb', 'latin1'));
const PING = frame(6, 0, 0, Buffer.alloc(8));

interface Fixture {
  readonly port: number;
  readonly server: Http2Server;
  /** `:authority` of each request, and whether its connection is the socket itself. */
  readonly requests: { authority: string | undefined; isSocket: boolean }[];
}

async function fixture(accepts = true): Promise<Fixture> {
  const server = createServer();
  const requests: Fixture['requests'] = [];
  server.on('stream', (stream, headers) => {
    const isSocket = stream.session?.socket.remoteAddress !== undefined;
    requests.push({ authority: headers[':authority'], isSocket });
    stream.respond();
    stream.end();
  });
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  if (accepts) acceptEmptyAuthority({ http2Servers: new Map([[server, {}]]) });
  return { port: (server.address() as AddressInfo).port, server, requests };
}

describe('a server that accepts an empty :authority', () => {
  it('is needed: Node refuses it', async () => {
    const { port, requests } = await fixture(false);
    expect(await new Client(port).send(PREFACE, SETTINGS, EMPTY).outcome()).toBe('refused');
    expect(requests).toEqual([]);
  });

  /** How clients begin, up to their first request. */
  const BEGINNINGS: [string, (client: Client, first: Buffer) => unknown][] = [
    ['at once', (client, first) => client.send(PREFACE, SETTINGS, first)],
    [
      'after the SETTINGS of the server, as gRPC does',
      async (client, first) => {
        await client.send(PREFACE, SETTINGS).greeted();
        client.send(ACK, first);
      },
    ],
    [
      'before they confirm SETTINGS',
      async (client, first) => {
        await client.send(PREFACE, SETTINGS).greeted();
        client.send(first);
        // the request is held, or answered, until the confirmation arrives
        client.send(ACK);
      },
    ],
    [
      'in small pieces',
      async (client, first) => {
        for (const byte of Buffer.concat([PREFACE, SETTINGS])) client.send(Buffer.from([byte]));
        await client.greeted();
        for (const byte of Buffer.concat([ACK, first])) client.send(Buffer.from([byte]));
      },
    ],
  ];

  it.each(BEGINNINGS)('serves a request without a value, and one with a value as before: %s', async (_, begin) => {
    const { port, requests } = await fixture();
    const [empty, given] = [new Client(port), new Client(port)];
    await begin(empty, EMPTY);
    expect(await empty.outcome()).toBe('served');
    await begin(given, GIVEN);
    expect(await given.outcome()).toBe('served');
    expect(requests).toEqual([
      { authority: 'localhost', isSocket: false },
      { authority: 'bbb', isSocket: true },
    ]);
    // confirms the SETTINGS of the server, which would end the connection if it were one too many
    for (const client of [empty, given]) {
      client.send(ACK, PING);
      await expect.poll(() => client.frames).toContain(6);
      expect(client.frames).not.toContain(7);
    }
  });

  it.each([
    ['waits a second', []],
    ['pings', [PING]],
  ])('serves both kinds when a client %s before its first request', async (_, before) => {
    const { port, requests } = await fixture();
    for (const first of [EMPTY, GIVEN]) {
      const client = await new Client(port).send(PREFACE, SETTINGS).greeted();
      client.send(ACK, ...before);
      // the SETTINGS of the server, after those of the screening
      await expect.poll(() => client.frames.filter((type) => type === 4).length, { timeout: 5000 }).toBeGreaterThan(1);
      client.send(ACK, first);
      expect(await client.outcome()).toBe('served');
    }
    expect(requests.map(({ authority }) => authority)).toEqual(['localhost', 'bbb']);
  });

  it('carries large bodies in both directions over a connection that it mends', async () => {
    const { port, server } = await fixture();
    server.removeAllListeners('stream');
    server.on('stream', (stream) => {
      expect(stream.session?.socket.remoteAddress).toBeUndefined();
      stream.respond();
      stream.pipe(stream);
    });
    const session = http2Connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    await once(session, 'connect');
    // a ping before the first request
    await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
    const body = randomBytes(5_000_000);
    const [one, other] = [session.request({ ':method': 'POST' }), session.request({ ':method': 'POST' })];
    for (const stream of [one, other]) stream.end(body);
    const received = await Promise.all([one, other].map((stream) => buffer(stream)));
    expect(received.map((bytes) => bytes.equals(body))).toEqual([true, true]);
  });

  it('closes a connection that is not HTTP/2, as Node does', async () => {
    const { port } = await fixture();
    const client = new Client(port).send(Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
    await expect.poll(() => client.isClosed).toBe(true);
  });

  it.each([[Buffer.alloc(0)], [PREFACE.subarray(0, 5)], [Buffer.concat([PREFACE, SETTINGS])]])(
    'drops a connection that ends before its first request, and closes: %o',
    async (bytes) => {
      const { port, server } = await fixture();
      const connected = once(server, 'connection');
      const client = new Client(port).send(bytes);
      await connected;
      client.socket.end();
      await expect.poll(() => client.isClosed).toBe(true);
      server.close();
      await once(server, 'close');
    },
  );

  it('closes while a connection is held', async () => {
    const { port, server } = await fixture();
    const client = await new Client(port).send(PREFACE, SETTINGS).greeted();
    server.close();
    await once(server, 'close');
    await expect.poll(() => client.isClosed).toBe(true);
  });

  it('is a server of grpc-js, whose own clients are not affected', async () => {
    const bank = await GrpcParticipant.start();
    bank.answer('b.B/In', REPLIES.success);
    bank.acceptEmptyAuthority();
    const client = new PlainGrpcClient(bank.address);
    expect(await client.call('/b.B/In')).toBe('OK');
    expect(await client.call('/b.B/In')).toBe('OK');
    expect(bank.calls.map(({ peer }) => peer)).toEqual([bank.calls[0]!.peer, expect.stringMatching(/^127.0.0.1:/)]);
    const polaris = await new Client(Number(bank.address.split(':')[1])).send(PREFACE, SETTINGS).greeted();
    polaris.send(ACK, EMPTY);
    expect(await polaris.outcome()).toBe('served');
  });

  it.each(['tryShutdown', 'forceShutdown'] as const)('ends the connections that it has mended: %s', async (method) => {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    acceptEmptyAuthority(server);
    const client = await new Client(port).send(PREFACE, SETTINGS).greeted();
    client.send(ACK, EMPTY);
    // of an unknown method
    expect(await client.outcome()).toBe('served');
    client.send(ACK);
    await new Promise<void>((resolve) => {
      server[method](() => resolve());
      if (method === 'forceShutdown') resolve();
    });
    await expect.poll(() => client.isClosed).toBe(true);
  });

  it('says so when grpc-js has changed', async () => {
    const warning = once(process, 'warning');
    acceptEmptyAuthority({});
    expect(await warning).toMatchObject([{ code: 'DTM_EMPTY_AUTHORITY' }]);
  });
});
