import { connect } from 'node:http2';
import { expect, it, onTestFinished } from 'vitest';
import { Participant } from '../../support/participant.js';
import { RawConnection } from '../../support/raw-connection.js';
import { ServeProcess } from './serve-process.js';

const MIB = 1024 * 1024;
const SUBMIT = 'POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\n';
const QUERY = 'GET /api/dtmsvr/query?gid=large HTTP/1.1\r\nHost: x\r\n\r\n';

/** Requests that do not end. */
const HALVES = [
  '',
  'POST /api/dt',
  `${SUBMIT}X-A: `,
  `${SUBMIT}Content-Length: 1000\r\n\r\n{"gid":`,
  `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n5\r\n{"gid\r\n`,
];

/** Status of the answer to a request line with headers; RFC 9112 has its forms. */
const FORMS: readonly (readonly [string, number])[] = [
  ['GET /api/dtmsvr/newGid HTTP/1.1\r\nHost: x', 200],
  ['GET http://dtm:36789/api/dtmsvr/newGid HTTP/1.1\r\nHost: dtm:36789', 200],
  ['GET /api/dtmsvr/newGid HTTP/1.0', 200],
  ['GET /api/dtmsvr/newGid HTTP/1.1', 400],
  ['GET /api/dtmsvr/newGid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2', 400],
  ['OPTIONS * HTTP/1.1\r\nHost: x', 404],
  ['GET dtm:36789 HTTP/1.1\r\nHost: x', 400],
  ['GET /a b HTTP/1.1\r\nHost: x', 400],
  ['G\0T / HTTP/1.1\r\nHost: x', 400],
  [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x`, 431],
];

async function open(serve: ServeProcess, count: number): Promise<RawConnection[]> {
  return Promise.all(Array.from({ length: count }, () => RawConnection.open(serve.base)));
}

async function statusOf(serve: ServeProcess, request: string): Promise<number> {
  const connection = await RawConnection.open(serve.base);
  await connection.write(`${request}\r\n\r\n`);
  connection.end();
  const { status } = await connection.answer();
  connection.reset();
  return status;
}

/** 700,000 steps, as much as fits into a request. */
const EMPTY_STEPS = `[${'{},'.repeat(699_999)}{}]`;

/** Length-prefixed message of gRPC, with a field of text. */
function grpcMessage(fields: readonly (readonly [number, string])[]): Buffer {
  const parts = fields.flatMap(([id, text]) => {
    const length = [];
    for (let rest = text.length; ; rest >>= 7) {
      length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      if (rest <= 0x7f) break;
    }
    return [Buffer.from([id * 8 + 2, ...length]), Buffer.from(text)];
  });
  const message = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Calls `Submit` with bytes; the rest of the message never follows when it is not ended. */
async function grpcStatus(serve: ServeProcess, bytes: Buffer): Promise<string | undefined> {
  const session = connect(`http://${serve.row('gRPC')}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  const headers = {
    ':method': 'POST',
    ':path': '/dtmgimp.Dtm/Submit',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const stream = session.request(headers).resume();
  stream.on('error', () => undefined);
  stream.end(bytes);
  return new Promise((resolve) => {
    const onStatus = (answer: object): void => {
      const code = (answer as Record<string, string>)['grpc-status'];
      if (code !== undefined) resolve(code);
    };
    stream
      .once('response', onStatus)
      .once('trailers', onStatus)
      .once('close', () => resolve(undefined));
  });
}

const ATTACKS: Readonly<Record<string, (serve: ServeProcess) => Promise<void>>> = {
  async 'requests that do not end'(serve) {
    const connections = await open(serve, 200);
    await Promise.all(connections.map((connection, index) => connection.write(HALVES[index % HALVES.length]!)));
  },
  async 'answers that nobody reads'(serve) {
    const connections = await open(serve, 40);
    for (const connection of connections) connection.stopReading();
    await Promise.all(connections.map((connection) => connection.write(QUERY.repeat(20))));
    for (const connection of connections.slice(20)) connection.reset();
  },
  async 'forms of requests'(serve) {
    for (const [request, status] of FORMS) expect([request, await statusOf(serve, request)]).toEqual([request, status]);
  },
  async 'too many headers'(serve) {
    const many = Array.from({ length: 100_000 }, (_, index) => `a${index}: b`).join('\r\n');
    const connections = await open(serve, 5);
    // the server may close the connection before it has taken all of them
    await Promise.all(connections.map((connection) => connection.write(`${SUBMIT}${many}\r\n\r\n`)));
    await Promise.all(connections.map(({ closed }) => closed));
    const fields = JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`a${index}`, ''])));
    expect(
      await serve.submit({ gid: 'many', trans_type: 'saga', steps: [], branch_headers: JSON.parse(fields) as object }),
    ).toBe(500);
  },
  async '700,000 empty steps'(serve) {
    const requests = Array.from({ length: 5 }, async (_, index) => {
      const body = `{"gid":"empty${index}","trans_type":"saga","steps":${EMPTY_STEPS}}`;
      return (await fetch(`${serve.base}/submit`, { method: 'POST', body })).status;
    });
    expect(new Set(await Promise.all(requests))).toEqual(new Set([500]));
    // gid, mode and steps
    const message = grpcMessage([
      [1, 'empty'],
      [2, 'saga'],
      [7, EMPTY_STEPS],
    ]);
    expect(await grpcStatus(serve, message)).toMatch(/^[1-9]/);
  },
  async 'gRPC messages that are none'(serve) {
    for (const bytes of [
      Buffer.alloc(5, 255),
      Buffer.from([0, 0, 0, 0, 3, 10, 255, 255]),
      Buffer.from('GET / HTTP/1.1'),
    ]) {
      expect(await grpcStatus(serve, bytes)).not.toBe('0');
    }
  },
};

it('serve goes on under attack with a heap of 200 MB, and stops in time', { timeout: 120_000 }, async () => {
  const participant = await Participant.start();
  participant.answer('/hangs', () => new Promise(() => undefined));
  const env = {
    STORE_DRIVER: 'memory',
    NODE_OPTIONS: '--max-old-space-size=200',
    SHUTDOWN_TIMEOUT: '3',
    REQUEST_TIMEOUT: '600',
  };
  const serve = await ServeProcess.start({ env });
  const saga = (gid: string, payload: string, count: number) => ({
    gid,
    trans_type: 'saga',
    wait_result: true,
    steps: Array.from({ length: count }, () => ({ action: participant.url('/a1') })),
    payloads: Array.from({ length: count }, () => payload),
  });
  expect(await serve.submit(saga('large', JSON.stringify('x'.repeat(MIB)), 3))).toBe(200);
  for (const [name, attack] of Object.entries(ATTACKS)) {
    await attack(serve);
    expect([name, await serve.submit(saga(name, '{}', 1))]).toEqual([name, 200]);
    expect(await serve.newGidByGrpc()).toMatch(/\w{20,}/);
  }
  expect((await fetch(`${new URL(serve.base).origin}/api/ping`)).status).toBe(200);
  const hangs = { trans_type: 'saga', steps: [{ action: participant.url('/hangs') }], payloads: ['{}'] };
  for (let index = 0; index < 300; index++) expect(await serve.submit({ ...hangs, gid: `hangs${index}` })).toBe(200);
  // most of the connections are still open
  expect(await serve.stop()).toBe(0);
  expect(serve.log.filter(({ level }) => level === 'error')).toEqual([]);
  expect(serve.log.at(-1)).toMatchObject({ message: 'stopped' });
});
