import { memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { post, send, type RawAnswer } from '../../support/http-client.js';
import { SUCCESS_ANSWER, failure, startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const STEP = { action: 'http://b/a', compensate: 'http://b/c' };
const SAGA = { gid: 'g', trans_type: 'saga', steps: [STEP], payloads: ['{"a":1}'] };
const TCC = { gid: 'g', trans_type: 'tcc' };

const OPERATIONS = ['prepare', 'submit', 'abort', 'forceStop', 'resetNextCronTime', 'prepareWorkflow'];

/** JSON that no serializer would produce, written by hand. */
function withRaw(body: object, field: string, raw: string): string {
  return JSON.stringify({ ...body, [field]: '<raw>' }).replace('"<raw>"', raw);
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

function rpc(method: unknown, params: unknown): Promise<RawAnswer> {
  return post(`${new URL(dtm.base).origin}/api/json-rpc`, { jsonrpc: '2.0', id: '1', method, params });
}

/** The answer is JSON with the reason, nothing is stored, and other requests are served. */
async function expectRefused(answer: RawAnswer, ...statuses: number[]): Promise<void> {
  expect(statuses).toContain(answer.status);
  expect(JSON.parse(answer.body)).toBeTypeOf('object');
  expect((await dtm.server.all()).transactions).toEqual([]);
  expect((await dtm.get('newGid')).status).toBe(200);
}

describe('deeply nested JSON', () => {
  const DEEP = nested(100_000);

  it.each(OPERATIONS)('is refused by %s in place of a value', async (operation) => {
    for (const field of ['gid', 'steps', 'payloads', 'branch_headers', 'custom_data', 'req_extra', 'timeout_to_fail']) {
      await expectRefused(await dtm.post(operation, withRaw(SAGA, field, DEEP)), 500);
    }
    await expectRefused(await dtm.post(operation, DEEP), 500);
    await expectRefused(await dtm.post(operation, '['.repeat(4_000_000)), 500);
  });

  it('is refused by registerBranch, and by JSON-RPC everywhere', async () => {
    await expectRefused(await dtm.post('registerBranch', withRaw(TCC, 'data', DEEP)), 400);
    const origin = new URL(dtm.base).origin;
    for (const field of ['id', 'jsonrpc', 'method']) {
      const request = { jsonrpc: '2.0', id: '1', method: 'submit', params: SAGA };
      await expectRefused(await post(`${origin}/api/json-rpc`, withRaw(request, field, DEEP)), 400);
    }
    for (const method of ['submit', 'registerBranch']) {
      const request = { jsonrpc: '2.0', id: '1', method };
      const answer = await post(`${origin}/api/json-rpc`, withRaw(request, 'params', DEEP));
      await expectRefused(answer, 200);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: -32603 } });
    }
  });

  it('is refused in custom_data, too', async () => {
    for (const customData of [DEEP, `{"orders":${DEEP}}`, `{"orders":{"0":${DEEP}}}`, `{"concurrent":${DEEP}}`]) {
      await expectRefused(await dtm.post('submit', { ...SAGA, custom_data: customData }), 500);
    }
    for (const [transType, customData] of [
      ['msg', `{"delay":${DEEP}}`],
      ['workflow', `{"name":${DEEP}}`],
      ['workflow', `{"name":"w","data":${DEEP}}`],
    ]) {
      await expectRefused(await dtm.post('prepare', { gid: 'g', trans_type: transType, custom_data: customData }), 500);
    }
  });

  it('is allowed in a payload and under an unknown key', async () => {
    const body = withRaw({ ...SAGA, payloads: [DEEP], wait_result: true }, 'unknown', DEEP);
    expect(await dtm.answer('submit', body)).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.calls[0]).toMatchObject({ payload: DEEP });
  });
});

describe('very many values', () => {
  const TOO_MANY =
    'the JSON has more than 150000 values and keys, which would hold up all other requests; send less in one request';
  const MANY = `[${'{},'.repeat(80_000)}{}]`;
  const KEYS = `{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":""`).join(',')}}`;

  it.each(OPERATIONS)('are refused by %s before they are parsed', async (operation) => {
    for (const field of ['steps', 'payloads', 'branch_headers', 'unknown']) {
      const body = withRaw({ ...SAGA, unknown: '' }, field, MANY);
      expect(await dtm.answer(operation, body)).toBe(failure(TOO_MANY));
    }
    for (const field of ['branch_headers', 'req_extra', 'unknown']) {
      const answer = await dtm.post(
        operation,
        withRaw({ ...SAGA, unknown: '', req_extra: '', branch_headers: '' }, field, KEYS),
      );
      await expectRefused(answer, 500);
      expect(answer.body).toContain('more than 10000 keys in one object');
    }
  });

  it('are refused by registerBranch, and by JSON-RPC', async () => {
    await expectRefused(await dtm.post('registerBranch', `{"gid":"g",${KEYS.slice(1)}`), 400);
    const request = { jsonrpc: '2.0', id: '1', method: 'submit', params: '' };
    const answer = await post(`${new URL(dtm.base).origin}/api/json-rpc`, withRaw(request, 'params', MANY));
    await expectRefused(answer, 400);
    expect(answer.body).toContain(TOO_MANY);
  });

  it('are refused in custom_data', async () => {
    const orders = JSON.stringify({ concurrent: true, orders: { 1: Array.from({ length: 150_001 }, () => 0) } });
    expect(await dtm.answer('submit', { ...SAGA, custom_data: orders })).toBe(
      failure(`custom_data of a saga: ${TOO_MANY}`),
    );
  });

  it('are allowed in a payload', async () => {
    expect(await dtm.answer('submit', { ...SAGA, payloads: [MANY] })).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).branches[1]?.payload).toBe(MANY);
  });
});

describe('numbers', () => {
  it.each(['1e400', '-1e400', '1e308', '99999999999999999999999', '2147483648', '-1', '1.5', '1e-7', '"1"', '[1]'])(
    'like %s are refused in place of a whole number',
    async (number) => {
      for (const field of ['timeout_to_fail', 'request_timeout', 'retry_interval', 'retry_limit', 'retry_count']) {
        const answer = await dtm.post('submit', withRaw(SAGA, field, number));
        await expectRefused(answer, 500);
        expect(answer.body).toContain(`${field} must be a whole number from 0 to 2147483647`);
      }
      const msg = { ...SAGA, trans_type: 'msg', custom_data: `{"delay":${number}}` };
      await expectRefused(await dtm.post('submit', msg), 500);
    },
  );

  it.each([
    ['2147483647', '600'],
    ['2147483647.0', '600.0'],
    ['2.147483647e9', '6e2'],
    ['0', '0'],
    ['-0', '-0'],
    ['0e5', '0e5'],
  ])('like the counts %s and the seconds %s are accepted and give valid times', async (count, seconds) => {
    const values = {
      timeout_to_fail: seconds,
      request_timeout: seconds,
      retry_interval: seconds,
      retry_limit: count,
      retry_count: count,
    };
    const fields = Object.entries(values).map(([field, number]) => `"${field}":${number},`);
    const body = `{${fields.join('')}${JSON.stringify(SAGA).slice(1)}`;
    expect(await dtm.answer('submit', body)).toBe(SUCCESS_ANSWER);
    const { status, body: shown } = await dtm.get('query?gid=g');
    expect(status).toBe(200);
    const { transaction } = JSON.parse(shown) as { transaction: { next_cron_time: string } };
    expect(Number.isNaN(Date.parse(transaction.next_cron_time))).toBe(false);
  });
});

describe('names of properties that every object has', () => {
  const OWN = { __proto__: 'no' };
  const NAMES =
    '{"__proto__":{"gid":"evil","polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"toString":1,';

  it('have no effect at the top level', async () => {
    const body = NAMES + JSON.stringify({ ...SAGA, wait_result: true }).slice(1);
    expect(await dtm.answer('submit', body)).toBe(SUCCESS_ANSWER);
    expect((await dtm.server.all()).transactions).toMatchObject([{ gid: 'g' }]);
    expect(await dtm.post('submit', `${NAMES}"trans_type":"saga"}`)).toMatchObject({
      status: 500,
      body: '{"message":"gid must be a non-empty string"}',
    });
    expect((OWN as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('have no effect in steps, orders, headers, results and branches', async () => {
    const step = `{"__proto__":{"action":"http://evil/"},"action":"http://b/a","constructor":"x"}`;
    const headers = '{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}';
    const body = withRaw(SAGA, 'steps', `[${step}]`);
    expect(await dtm.answer('submit', withRaw(JSON.parse(body) as object, 'branch_headers', headers))).toBe(
      SUCCESS_ANSWER,
    );
    expect(dtm.transport.calls).toMatchObject([{ url: 'http://b/a' }]);
    expect(Object.entries(dtm.transport.calls[0]!.headers!)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
      ['hasOwnProperty', 'h'],
    ]);

    for (const name of ['__proto__', 'constructor', 'toString']) {
      const orders = { ...SAGA, gid: name, custom_data: `{"orders":{"${name}":[0]}}` };
      expect(await dtm.post('submit', orders)).toMatchObject({
        status: 500,
        body: expect.stringContaining('branch order -1: step -1 does not exist'),
      });
    }

    const workflow = { gid: 'w', trans_type: 'workflow', custom_data: '{"name":"w"}' };
    expect((await dtm.post('prepareWorkflow', workflow)).status).toBe(200);
    const proto = withRaw(workflow, 'req_extra', '{"__proto__":{"status":"succeed"}}');
    expect((await dtm.post('submit', proto)).status).toBe(500);

    await dtm.post('prepare', { ...TCC, gid: 't' });
    const branch =
      '{"__proto__":"x","constructor":"y","gid":"t","trans_type":"tcc","branch_id":"01","confirm":"http://b/f"}';
    expect(await dtm.answer('registerBranch', branch)).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('t')).branches).toMatchObject([{ url: '' }, { url: 'http://b/f' }]);
    expect((await dtm.post('registerBranch', '{"__proto__":{"gid":"t"},"trans_type":"tcc"}')).status).toBe(400);
  });

  it('are ordinary names of gids, branches, workflows and topics', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'null', 'undefined']) {
      expect(await dtm.answer('prepare', { ...TCC, gid: name })).toBe(SUCCESS_ANSWER);
      const branch = { ...TCC, gid: name, branch_id: name, confirm: `http://b/${name}` };
      expect(await dtm.answer('registerBranch', branch)).toBe(SUCCESS_ANSWER);
      expect(await dtm.answer('submit', { ...TCC, gid: name, wait_result: true })).toBe(SUCCESS_ANSWER);
      expect(await dtm.show(name)).toBe(`succeed: ${name} cancel prepared, ${name} confirm succeed`);
      const topic = encodeURIComponent(name);
      expect((await dtm.get(`subscribe?topic=${topic}&url=http://b/s`)).body).toBe('{"dtm_result":"SUCCESS"}');
      const msg = { ...SAGA, gid: `${name} msg`, trans_type: 'msg', steps: [{ action: `topic://${name}` }] };
      expect(await dtm.answer('submit', { ...msg, wait_result: true })).toBe(SUCCESS_ANSWER);
      expect(JSON.parse((await dtm.get(`queryKV?cat=${topic}`)).body)).toEqual({ kv: [] });
    }
    for (const method of ['__proto__', 'constructor', 'toString', 'query', 'forceStop', '']) {
      expect(JSON.parse((await rpc(method, {})).body)).toMatchObject({ error: { code: -32601 } });
    }
  });
});

describe('repeated keys', () => {
  it('count in their last occurrence, as in JSON parsers', async () => {
    const body = `{"gid":"first","gid":"second",${JSON.stringify({ ...SAGA, gid: undefined, wait_result: true }).slice(1)}`;
    expect(await dtm.answer('submit', body)).toBe(SUCCESS_ANSWER);
    expect((await dtm.server.all()).transactions).toMatchObject([{ gid: 'second' }]);
  });

  it('count as they are written in the protocol, not in another case', async () => {
    const body = `{"GID":"other","gid":"g","Gid":"third",${JSON.stringify({ ...SAGA, gid: undefined }).slice(1)}`;
    expect(await dtm.answer('submit', body)).toBe(SUCCESS_ANSWER);
    expect((await dtm.server.all()).transactions).toMatchObject([{ gid: 'g' }]);
  });
});

describe('bytes', () => {
  const bytes = (...parts: (string | number[])[]): Uint8Array =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
  const [before, after] = JSON.stringify({ ...SAGA, payloads: ['<>'], wait_result: true }).split('<>') as [
    string,
    string,
  ];

  it.each([
    ['a byte that is none', [0xff]],
    ['a character cut short', [0xe2, 0x82]],
    ['a character in too many bytes', [0xc0, 0xaf]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character beyond the last', [0xf5, 0x80, 0x80, 0x80]],
  ])('that are not UTF-8 are refused: %s', async (_, wrong) => {
    for (const operation of [...OPERATIONS, 'registerBranch']) {
      await expectRefused(await send('POST', `${dtm.base}/${operation}`, bytes(before, wrong, after)), 500);
    }
  });

  it.each([
    ['GET', 'subscribe?topic=a%FF&url=http://b/s', /topic .* is not allowed/],
    ['DELETE', 'topic/a%FF', /the path ends in .*a%FF.*, which is not percent-encoded UTF-8/],
  ])('that are not UTF-8 are refused in a URL: %s %s', async (method, path, message) => {
    const answer = await send(method, `${dtm.base}/${path}`);
    await expectRefused(answer, 500);
    expect(answer.body).toMatch(message);
  });

  it('that a decoder has replaced are refused in a gid', async () => {
    for (const operation of [...OPERATIONS, 'registerBranch']) {
      const body = operation === 'registerBranch' ? { gid: 'a\ufffd', trans_type: 'tcc', branch_id: '01' } : SAGA;
      const answer = await send('POST', `${dtm.base}/${operation}`, JSON.stringify({ ...body, gid: 'a\ufffd' }));
      await expectRefused(answer, 500);
    }
  });

  it('of control characters are refused in JSON', async () => {
    await expectRefused(await send('POST', `${dtm.base}/submit`, bytes(before, [0], after)), 500);
    await expectRefused(await send('POST', `${dtm.base}/submit`, bytes([0], before, after)), 500);
  });

  it('of a byte order mark before JSON are ignored', async () => {
    const answer = await send('POST', `${dtm.base}/submit`, bytes([0xef, 0xbb, 0xbf], before, after));
    expect([answer.status, answer.body]).toEqual([200, '{"dtm_result":"SUCCESS"}']);
  });

  it('of any text reach a branch unchanged', async () => {
    const payloads = ['\u0000', '\ufeff{}', '\u2028\u2029', '😀', '\\u0000', '"', '\r\n\r\nPOST / HTTP/1.1\r\n\r\n'];
    const steps = payloads.map(() => STEP);
    expect(await dtm.answer('submit', { ...SAGA, steps, payloads, wait_result: true })).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.calls.map(({ payload }) => payload)).toEqual(payloads);
  });
});

describe('a transaction of 10,000 steps', () => {
  const large = (count: number, change: object = {}): object => ({
    ...SAGA,
    steps: Array.from({ length: count }, () => STEP),
    payloads: Array.from({ length: count }, (_, index) => String(index)),
    custom_data: '{"concurrent":true}',
    concurrent: true,
    wait_result: true,
    ...change,
  });

  it.each(['saga', 'msg'])('runs to its end as a %s, each step once', async (transType) => {
    expect(await dtm.answer('submit', large(10_000, { trans_type: transType }))).toBe(SUCCESS_ANSWER);
    const numbers = dtm.transport.calls.map(({ payload }) => Number(payload)).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    const { status, body } = await dtm.get('query?gid=g');
    expect(status).toBe(200);
    expect((JSON.parse(body) as { branches: unknown[] }).branches.length).toBe(transType === 'saga' ? 20_000 : 10_000);
  });

  it('is compensated completely', async () => {
    dtm.transport.answer('5000 action', { kind: 'failure', message: 'no' });
    expect((await dtm.post('submit', large(10_000))).status).toBe(409);
    const { transaction, branches } = await dtm.find('g');
    expect(transaction.status).toBe('failed');
    expect(branches.filter(({ op, status }) => op === 'compensate' && status === 'succeed')).toHaveLength(10_000);
  });

  it('is refused with 10,001 steps', async () => {
    for (const transType of ['saga', 'msg']) {
      expect(await dtm.answer('submit', large(10_001, { trans_type: transType }))).toBe(
        failure(
          `a ${transType} has 10001 branches: the limit is 10000; send less, or raise maxBranches of the coordinator (MaxBranches of serve)`,
        ),
      );
    }
  });

  it('whose calls fail together is stored a few times, not once for each', async () => {
    let writes = 0;
    const store = interceptStore(memoryStore(), (operation, call) => {
      if (operation === 'update') writes += 1;
      return call();
    });
    dtm = await startHttpCoordinator({ store });
    const answers: (() => void)[] = [];
    vi.spyOn(dtm.transport, 'call').mockImplementation(
      () => new Promise((resolve) => void answers.push(() => resolve(UNKNOWN))),
    );
    const answered = dtm.post('submit', large(1000));
    await waitUntil(() => answers.length === 1000);
    // one after the other, as sockets fail, in one turn of the event loop
    const answerNext = (): void => {
      answers.shift()?.();
      if (answers.length > 0) queueMicrotask(() => process.nextTick(answerNext));
    };
    setImmediate(answerNext);
    await waitUntil(() => answers.length === 0);
    expect((await answered).status).toBe(425);
    expect(writes).toBeLessThan(10);
  });

  it('has its headers checked once, not for each step', async () => {
    const checked = vi.fn<(target: { readonly headers?: object | undefined }) => void>();
    Object.assign(dtm.transport, { check: checked });
    const steps = Array.from({ length: 1000 }, (_, index) => ({
      action: `b:1/b.B/A${index}`,
      compensate: `b:1/b.B/C${index}`,
    }));
    await dtm.server.prepare({
      gid: 'g',
      transType: 'saga',
      protocol: 'grpc',
      steps,
      payloads: steps.map(() => ''),
      branchHeaders: { a: 'b' },
    });
    expect(checked).toHaveBeenCalledTimes(2000);
    expect(checked.mock.calls.filter(([{ headers }]) => headers !== undefined)).toMatchObject([
      [{ url: 'b:1/b.B/C999', context: { branchId: '1000', op: 'compensate' }, headers: { a: 'b' } }],
    ]);
  });

  it('makes no more calls when the coordinator closes while they start', async () => {
    const closed: Promise<void>[] = [];
    vi.spyOn(dtm.transport, 'call').mockImplementation(async () => {
      if (closed.length === 0) {
        const closing = new Promise((resolve) => void setImmediate(resolve)).then(() => dtm.server.close());
        closed.push(closing);
      }
      return SUCCESS;
    });
    const steps = Array.from({ length: 10_000 }, () => ({ action: 'http://b/a' }));
    await dtm.server.submit({
      gid: 'g',
      transType: 'saga',
      steps,
      payloads: steps.map(() => ''),
      customData: '{"concurrent":true}',
    });
    await waitUntil(() => closed.length > 0);
    await closed[0];
    const { transaction, branches } = await dtm.find('g');
    const called = vi.mocked(dtm.transport.call).mock.calls.length;
    expect(called).toBeLessThan(1000);
    expect(branches.filter(({ status, op }) => op === 'action' && status === 'succeed')).toHaveLength(called);
    expect(transaction).toMatchObject({ status: 'submitted', owner: undefined, nextCronTime: dtm.clock.now() });
  });
});
