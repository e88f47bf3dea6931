import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startGrpcCoordinator, type GrpcCoordinator } from '../../support/grpc-coordinator.js';
import { settled } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const MIB = 1024 * 1024;

/** ENHANCE_YOUR_CALM, which gRPC clients report as RESOURCE_EXHAUSTED. */
const REFUSED = `reset ${constants.NGHTTP2_ENHANCE_YOUR_CALM}`;

/** An empty message. */
const REQUEST = Buffer.alloc(5);

/** A call whose status a test reads. */
interface RawGrpcCall {
  readonly stream: ClientHttp2Stream;
  /** `grpc-status` and message, or the code of the reset. */
  readonly status: Promise<string>;
}

let dtm: GrpcCoordinator;
let session: ClientHttp2Session;

beforeEach(async () => {
  dtm = await startGrpcCoordinator();
  session = open();
});

function open(): ClientHttp2Session {
  // the limit of the client counts what it could not send, for ever
  const opened = connect(`http://${dtm.address}`, { maxSessionMemory: 1000 });
  opened.on('error', () => undefined);
  onTestFinished(() => opened.destroy());
  return opened;
}

/** Begins a call; its message is not sent yet. */
function call(method: string, from = session): RawGrpcCall {
  const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const stream = from.request({ ...headers, ':path': method });
  stream.on('error', () => undefined);
  const status = new Promise<string>((resolve) => {
    const onStatus = (answer: object): void => {
      const { 'grpc-status': code, 'grpc-message': message = '' } = answer as Record<string, string>;
      if (code !== undefined) resolve(`${code} ${decodeURI(message)}`.trim());
    };
    stream.once('response', onStatus).once('trailers', onStatus);
    stream.once('close', () => resolve(`reset ${stream.rstCode}`));
  });
  return { stream, status };
}

/** A message of a length, with only its first bytes. */
function partOfMessage(length: number, sent: number): Buffer {
  const part = Buffer.alloc(5 + sent);
  part.writeUInt32BE(length, 1);
  return part;
}

function write(stream: ClientHttp2Stream, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => void stream.write(bytes, () => resolve()));
}

/** Status of a call with an empty message, on the same connection. */
function complete({ stream, status }: RawGrpcCall): Promise<string> {
  stream.resume().end(REQUEST);
  return status;
}

async function expectServing(): Promise<void> {
  expect(await dtm.answer('NewGid')).toBe('OK');
}

describe('a call that is not sent completely', () => {
  it.each([
    ['no message', 0],
    ['half of a message', 3],
  ])('is refused after 30 s: %s', async (_, length) => {
    const { stream, status } = call('/dtmgimp.Dtm/Submit');
    await write(stream, partOfMessage(4 * MIB, MIB).subarray(0, length * MIB || 2));
    await expectServing();
    await dtm.clock.advance(30_000);
    await expectServing();
    expect(stream.closed).toBe(false);
    await dtm.clock.advance(2000);
    expect(await status).toBe(REFUSED);
    await waitUntil(() => stream.closed);
    expect(await complete(call('/dtmgimp.Dtm/NewGid'))).toBe('0 OK');
  });

  it('is not executed when the rest arrives with the refusal', async () => {
    const { stream, status } = call('/dtmgimp.Dtm/NewGid');
    await write(stream, Buffer.from([0, 0]));
    await expectServing();
    await dtm.clock.advance(32_000);
    stream.end(Buffer.from([0, 0, 0]));
    expect(await status).toBe(REFUSED);
    await expectServing();
  });

  it('does not end one whose client waits for the result', async () => {
    const held = dtm.transport.hold('01 action');
    const steps = JSON.stringify([{ action: 'b:1/b.B/A' }]);
    const answer = dtm.answer('Submit', {
      Gid: 'g',
      TransType: 'saga',
      Steps: steps,
      BinPayloads: [Buffer.alloc(0)],
      TransOptions: { WaitResult: true, RequestTimeout: 600 },
    });
    await held.arrived;
    await dtm.clock.advance(120_000);
    held.answer({ kind: 'success', body: '' });
    expect(await answer).toBe('OK');
  });

  it('is refused when its connection holds more than 64 MiB of requests', async () => {
    const calls = Array.from({ length: 24 }, () => call('/dtmgimp.Dtm/Submit'));
    const refused: string[] = [];
    for (const { stream, status } of calls) {
      void status.then((text) => refused.push(text));
      // 18 of them fit
      await Promise.race([write(stream.resume(), partOfMessage(4 * MIB, 3.5 * MIB)), status]);
    }
    await waitUntil(() => refused.length === 6);
    await settled();
    expect(refused.length).toBe(6);
    expect(new Set(refused)).toEqual(new Set([REFUSED]));
    await expectServing();
    // what was held is given back
    for (const { stream } of calls) stream.close(constants.NGHTTP2_CANCEL);
    await waitUntil(async () => (await complete(call('/dtmgimp.Dtm/NewGid'))) === '0 OK');
  });
});

describe('answers that a client does not read', () => {
  const ALL = '/nestjsdtm.Operator/All';

  beforeEach(async () => {
    for (const gid of ['a', 'b', 'c']) {
      await dtm.server.prepare({ gid, transType: 'tcc', customData: JSON.stringify('x'.repeat(MIB - 10)) });
    }
  });

  it('are limited to 16 MiB for a connection', async () => {
    const calls = Array.from({ length: 20 }, () => call(ALL));
    for (const { stream } of calls) stream.end(REQUEST);
    const refused: string[] = [];
    for (const { status } of calls) void status.then((text) => refused.push(text));
    await waitUntil(() => refused.length > 0);
    await expectServing();
    await settled();
    expect(refused.length).toBeGreaterThanOrEqual(14);
    expect(new Set(refused)).toEqual(
      new Set([`8 the client has not read ${16 * MIB} bytes of earlier answers; read them, then call again`]),
    );
    // those that were not refused can be read
    for (const { stream } of calls) stream.resume();
    expect(
      (await Promise.all(calls.map(({ status }) => status))).filter((text) => text === '0 OK').length,
    ).toBeGreaterThan(3);
    expect(await complete(call(ALL))).toBe('0 OK');
  });

  it('of many connections let others wait, which are refused after 20 s', async () => {
    const unread = Array.from({ length: 12 }, () => call(ALL, open()));
    for (const { stream } of unread) stream.end(REQUEST);
    // 11 of 3 MiB fill 32 MiB
    await waitUntil(async () => {
      await settled();
      return unread.filter(({ stream }) => stream.readableLength > 0).length >= 11;
    });
    const refused = complete(call(ALL));
    await expectServing();
    await dtm.clock.advance(21_000);
    expect(await refused).toBe('8 other clients have not read their large answers; try again later');
    await dtm.clock.advance(15_000);
    expect(await complete(call(ALL))).toBe('0 OK');
  });

  it('are given up after 30 s', async () => {
    const unread = call(ALL);
    unread.stream.end(REQUEST);
    await new Promise((resolve) => void unread.stream.once('response', resolve));
    await dtm.clock.advance(29_000);
    expect(unread.stream.closed).toBe(false);
    await dtm.clock.advance(5000);
    unread.stream.resume();
    expect(await unread.status).toBe(REFUSED);
    await expectServing();
  });

  /** Reads a part of an answer in each pause; returns the virtual seconds until the end of the call. */
  async function readSlowly({ stream }: RawGrpcCall, pauseSeconds: number): Promise<number> {
    let isOver = false;
    stream.once('end', () => (isOver = true)).once('close', () => (isOver = true));
    for (let seconds = 0; ; seconds += pauseSeconds) {
      await waitUntil(() => isOver || stream.readableLength > 0);
      stream.read();
      await settled();
      if (isOver) return seconds;
      await dtm.clock.advance(pauseSeconds * 1000);
    }
  }

  it('completely within 30 s are sent as long as the client goes on reading', async () => {
    const slow = call(ALL);
    slow.stream.end(REQUEST);
    expect(await readSlowly(slow, 10)).toBeGreaterThan(100);
    expect(await slow.status).toBe('0 OK');
  });

  it('completely within ten minutes are given up', async () => {
    const slow = call(ALL);
    slow.stream.end(REQUEST);
    const seconds = await readSlowly(slow, 25);
    expect(await slow.status).toBe(REFUSED);
    expect(seconds).toBeGreaterThanOrEqual(600);
    expect(seconds).toBeLessThanOrEqual(650);
  });

  it('are forgotten when the client disconnects', async () => {
    for (let round = 0; round < 10; round++) {
      const short = open();
      const answers = Array.from({ length: 4 }, () => call(ALL, short));
      for (const { stream } of answers) stream.end(REQUEST);
      await new Promise((resolve) => void answers[0]!.stream.once('response', resolve));
      short.destroy();
    }
    await dtm.clock.advance(40_000);
    expect(dtm.clock.pending).toBeLessThan(4);
    await expectServing();
  });
});
