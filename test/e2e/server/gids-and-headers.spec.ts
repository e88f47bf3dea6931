import { embeddedServer, sqliteStore, type CoordinatorSettings } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { get, post, type RawAnswer } from '../../support/http-client.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { gid: 'g', trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{"a":1}'] };

const OPERATIONS = ['prepare', 'submit', 'abort', 'forceStop', 'resetNextCronTime', 'prepareWorkflow'];

let participant: Participant;
let base: string;

beforeEach(async () => {
  participant = await Participant.start();
  await start();
});

async function start(settings: Partial<CoordinatorSettings> = {}): Promise<void> {
  const store = sqliteStore({ path: join(tempFolder(), 'dtm.db') });
  const server = embeddedServer({ store, logger: new RecordingLogger(), listen: { port: 0 }, ...settings });
  onTestFinished(() => server.close());
  await server.open();
  base = server.address!;
}

const submit = (body: object): Promise<RawAnswer> => post(`${base}/submit`, { ...SAGA, wait_result: true, ...body });

describe('gids, from the initiator through a file to the branches', () => {
  it('are distinguished and stay unchanged', async () => {
    const gids = [
      'order',
      'order1',
      'order10',
      'order100',
      'Order1',
      'ORDER1',
      "o'1",
      '"o"',
      '`o`',
      'a/b',
      'a//b',
      '../a',
      'a\\b',
      'a b',
      'a+b',
      'a%20b',
      'a%2Fb',
      'a&gid=b',
      'a=b',
      'a#b',
      'a?b',
      "', drop table trans_global --",
      '%',
      '_',
      '*',
      '😀',
      '😀😀',
      'e\u0301',
      '\u00e9',
      'ß',
      'SS',
      '\u0130',
      '-0',
      '0',
      '00',
      '1e3',
      'x'.repeat(127),
      'x'.repeat(128),
      '😀'.repeat(128),
    ];
    await Promise.all(
      gids.map(async (gid, index) => {
        const action = participant.url(`/a${index}`);
        expect(await submit({ gid, steps: [{ action }], payloads: [String(index)] })).toMatchObject({ status: 200 });
      }),
    );
    for (const [index, gid] of gids.entries()) {
      expect(participant.to(`/a${index}`)).toMatchObject([{ query: { gid }, body: String(index) }]);
      const { body } = await get(`${base}/query?gid=${encodeURIComponent(gid)}`);
      expect(JSON.parse(body)).toMatchObject({
        transaction: { gid, status: 'succeed' },
        branches: [{ gid }, { gid, bin_data: Buffer.from(String(index)).toString('base64') }],
      });
      const page = JSON.parse((await get(`${base}/all?gid=${encodeURIComponent(gid)}`)).body) as {
        transactions: unknown[];
      };
      expect(page.transactions).toHaveLength(1);
      expect((await post(`${base}/resetNextCronTime`, { gid })).status).toBe(200);
      expect((await post(`${base}/forceStop`, { gid })).status).toBe(409);
    }
  });

  it.each([
    '',
    ' g',
    'g ',
    'g\t',
    'g\u00a0',
    '\ufeffg',
    'a;b',
    'a\nb',
    'a\rb',
    'a\u0000b',
    'a\u007fb',
    'a\u0085b',
    'a\u2028b',
    '\ud83d',
    'x'.repeat(129),
    '😀'.repeat(129),
  ])('are refused by everything: %j', async (gid) => {
    for (const operation of OPERATIONS) expect((await post(`${base}/${operation}`, { ...SAGA, gid })).status).toBe(500);
    const branch = { trans_type: 'tcc', gid, branch_id: '01', confirm: participant.url('/c') };
    expect((await post(`${base}/registerBranch`, branch)).status).toBe(500);
    expect((await post(`${base}/registerBranch`, { ...branch, gid: 'g', branch_id: gid })).status).toBe(500);
    expect(participant.requests).toEqual([]);
  });
});

describe('branch headers', () => {
  it.each([
    ['a', 'b\r\nevil: 1'],
    ['a', 'b\nevil: 1'],
    ['a', 'b\rc'],
    ['a', 'b\u0000c'],
    ['a', 'ä'],
    ['a', '\u010a'],
    ['a\r\nevil', 'b'],
    ['a: b\r\nevil', 'c'],
    ['a b', 'c'],
    ['', 'c'],
    ['a:', 'c'],
    ['ä', 'c'],
  ])('are refused where HTTP does not allow them: %j: %j', async (name, value) => {
    const answer = await submit({ steps: [{ action: participant.url('/a') }], branch_headers: { [name]: value } });
    expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('that HTTP does not allow') });
    expect(participant.requests).toEqual([]);
  });

  it('cannot break the framing of a message', async () => {
    const branch_headers = {
      'Content-Length': '1',
      'Transfer-Encoding': 'chunked',
      Host: 'evil',
      Connection: 'close',
      Upgrade: 'websocket',
      Expect: '100-continue',
      'X-Mine': 'a\tb',
    };
    const steps = [{ action: participant.url('/a1') }, { action: participant.url('/a2') }];
    const payloads = ['first', 'second'];
    expect(await submit({ steps, payloads, branch_headers })).toMatchObject({ status: 200 });
    expect(participant.requests.map(({ path, body, headers }) => [path, body, headers['x-mine']])).toEqual([
      ['/a1', 'first', 'a\tb'],
      ['/a2', 'second', 'a\tb'],
    ]);
    expect(participant.requests[0]?.headers).toMatchObject({
      host: new URL(participant.origin).host,
      'content-length': '5',
    });
  });
});

it('a request time-out of 31 years, where the limit allows it, does not end at once', async () => {
  await start({ maxRequestTimeoutSeconds: 1_000_000_000 });
  const answered = deferred();
  participant.answer('/a', async () => {
    await answered.promise;
    return {};
  });
  const submitted = submit({ steps: [{ action: participant.url('/a') }], request_timeout: 1_000_000_000 });
  await participant.received(1);
  // a timer with an overflow would have fired by then
  await settled();
  answered.resolve();
  expect((await submitted).status).toBe(200);
});

it('a payload of three megabytes passes through the file unchanged, and so does a reason', async () => {
  const payload = JSON.stringify({ text: '😀ä'.repeat(500_000) });
  expect(await submit({ steps: [{ action: participant.url('/a') }], payloads: [payload] })).toMatchObject({
    status: 200,
  });
  expect(participant.requests[0]?.body).toBe(payload);
  const shown = JSON.parse((await get(`${base}/query?gid=g`)).body) as { branches: { bin_data: string }[] };
  expect(Buffer.from(shown.branches[1]!.bin_data, 'base64').toString()).toBe(payload);

  const tcc = { gid: 't', trans_type: 'tcc', rollback_reason: 'x'.repeat(100_000), wait_result: true };
  await post(`${base}/prepare`, tcc);
  expect(await post(`${base}/abort`, tcc)).toMatchObject({ status: 200 });
  expect((await get(`${base}/query?gid=t`)).body).toContain(tcc.rollback_reason);
});
