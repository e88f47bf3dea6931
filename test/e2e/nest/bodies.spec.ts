import { Body, Controller, Post, Req, type PipeTransform } from '@nestjs/common';
import { readHttpOutcome } from 'nestjs-dtm/protocol';
import { Barrier, BranchBarrier, BranchPayload, MsgBranch, SagaBranch, TccAction } from 'nestjs-dtm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callBranch, closeApps, query, send, sendRaw, startApp, type App } from './app.js';
import { platforms } from './platforms.js';

const seen: unknown[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  pay(@BranchPayload() payload: unknown): void {
    seen.push(payload);
  }

  @SagaBranch({ compensate: false })
  raw(@BranchPayload() payload: unknown, @Req() request: { rawBody?: Buffer }): void {
    seen.push([payload, request.rawBody?.toString()]);
  }

  @MsgBranch()
  hear(@BranchPayload() word: string): void {
    seen.push(word);
  }

  @Post('ordinary')
  ordinary(@Body() body: unknown): { body: unknown } {
    return { body };
  }
}

const POST_PAY = `POST /bank/pay?${query()} HTTP/1.1`;

describe.each(platforms)('bodies on %s', (platform) => {
  // Fastify accepts every JSON value, but no JSON content type without a body
  const isStrict = platform !== 'fastify';
  let app: App;

  beforeEach(async () => {
    seen.length = 0;
    app = await startApp({ platform, controllers: [BankController] });
  });
  afterEach(closeApps);

  test.each([[null], [30], ['x'], ['FAILURE'], [false], [[]], [{}], [[1]], [{ a: { b: 'ü' } }]])(
    'the payload %j arrives',
    async (payload) => {
      expect((await callBranch(`${app.url}/bank/pay`, { payload })).status).toBe(200);
      expect(seen).toEqual([payload]);
    },
  );

  test('GET has no payload', async () => {
    expect((await callBranch(`${app.url}/bank/pay`)).status).toBe(200);
    expect(seen).toEqual([undefined]);
  });

  test.each([
    ['Content-Length: 0', ['Content-Type: application/json', 'Content-Length: 0'], []],
    ['chunked, and nothing in it', ['Content-Type: application/json', 'Transfer-Encoding: chunked'], ['0\r\n\r\n']],
    ['a charset', ['Content-Type: application/json; charset=utf-8', 'Content-Length: 0'], []],
    ['no content type', ['Content-Length: 0'], []],
  ])('POST with %s has no payload', async (_what, head, chunks) => {
    expect(await sendRaw(app.url, [POST_PAY, ...head], ...chunks)).toMatch(/^HTTP\/1.1 200 /);
    expect(seen).toEqual([undefined]);
  });

  test.each([
    ['{"a":1}', ['7\r\n{"a":1}\r\n0\r\n\r\n'], { a: 1 }],
    ['{} in two writes', ['1\r\n{\r\n', '1\r\n}\r\n0\r\n\r\n'], {}],
    ['null', ['4\r\nnull\r\n0\r\n\r\n'], null],
  ])('a chunked payload arrives: %s', async (_what, chunks, payload) => {
    const head = [POST_PAY, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    expect(await sendRaw(app.url, head, ...chunks)).toMatch(/^HTTP\/1.1 200 /);
    expect(seen).toEqual([payload]);
  });

  test('a caller that disconnects in the middle of its body leaves the application working', async () => {
    const head = [POST_PAY, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    await sendRaw(app.url, head, '4\r\nnu', 'broken framing').catch(() => '');
    expect(seen).toEqual([]);
    expect((await callBranch(`${app.url}/bank/pay`)).status).toBe(200);
  });

  const postTo = (path: string) => [`POST ${path} HTTP/1.1`, 'Content-Type: application/json', 'Content-Length: 4'];

  test('broken JSON is a failure, and the method does not run', async () => {
    const answer = await sendRaw(app.url, postTo(`/bank/pay?${query()}`), 'nulx');
    expect(answer).toMatch(/^HTTP\/1.1 409 .*"not_executed":true/s);
    expect(answer).toMatch(/content-type: application\/json/i);
    expect(answer).toContain('the application could not read the payload: ');
    expect(seen).toEqual([]);
    expect(app.logs.of('DtmBranch')).toEqual([
      expect.stringMatching(/^warn .*saga g1, branch 01, action at \/bank\/pay: the application could not read/),
    ]);
  });

  test.each([
    ['a message', `/bank/hear?${query({ transType: 'msg' })}`],
    ['another operation', `/bank/pay?${query({ op: 'compensate' })}`],
    ['no parameters of dtm', '/bank/pay'],
    ['two gids', `/bank/pay?gid=other&${query()}`],
    ['another route', `/bank/ordinary?${query()}`],
  ])('broken JSON keeps its 400 for %s', async (_what, path) => {
    expect(await sendRaw(app.url, postTo(path), 'nulx')).toMatch(/^HTTP\/1.1 400 /);
    expect(seen).toEqual([]);
    expect(app.logs.of('DtmBranch')).toEqual([]);
  });

  test('a payload without a parser is a failure, and not dropped', async () => {
    const xml = { payload: { a: 1 }, headers: { 'content-type': 'application/xml' } };
    const answer = await callBranch(`${app.url}/bank/pay`, xml);
    expect(readHttpOutcome(answer.status, answer.body)).toEqual({
      kind: 'failure',
      message: expect.any(String) as string,
      notExecuted: true,
    });
    expect((await callBranch(`${app.url}/bank/hear`, { ...xml, transType: 'msg' })).status).toBe(415);
    expect(seen).toEqual([]);
  });

  test('the size limit of the parser holds', async () => {
    const payload = 'x'.repeat(2_000_000);
    const answer = await callBranch(`${app.url}/bank/pay`, { payload });
    // as for a payload that a pipe refuses
    expect(answer.status).toBe(409);
    expect(readHttpOutcome(answer.status, answer.body)).toEqual({
      kind: 'failure',
      message: 'the payload exceeds the body limit of the application',
      notExecuted: true,
    });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(seen).toEqual([]);
    expect(app.logs.of('DtmBranch')).toEqual([expect.stringMatching(/^warn .*saga g1, branch 01, action.*body limit/)]);

    expect((await callBranch(`${app.url}/bank/pay`, { payload, op: 'compensate' })).status).toBe(413);
    expect((await send(`${app.url}/bank/pay`, { payload })).status).toBe(413);
    expect((await send(`${app.url}/bank/ordinary?${query()}`, { payload })).status).toBe(413);
  });

  test('other routes keep the rules of the platform', async () => {
    expect(await send(`${app.url}/bank/ordinary`, { payload: { a: 1 } })).toMatchObject({
      status: 201,
      body: '{"body":{"a":1}}',
    });
    const empty = await sendRaw(app.url, [
      'POST /bank/ordinary HTTP/1.1',
      'Content-Type: application/json',
      'Content-Length: 0',
    ]);
    expect(empty).toMatch(isStrict ? /^HTTP\/1.1 201 / : /^HTTP\/1.1 400 /);
    expect((await send(`${app.url}/bank/ordinary`, { payload: 30 })).status).toBe(isStrict ? 400 : 201);
    expect((await send(`${app.url}/bank/ordinary?gid=1&op=action`, { payload: 30 })).status).toBe(isStrict ? 400 : 201);
  });

  test('rawBody keeps working', async () => {
    app = await startApp({ platform, controllers: [BankController], nest: { rawBody: true } });
    await callBranch(`${app.url}/bank/raw`, { payload: null });
    await callBranch(`${app.url}/bank/raw`, { payload: { a: 1 } });
    expect(seen).toEqual([
      [null, 'null'],
      [{ a: 1 }, '{"a":1}'],
    ]);
  });

  test('without a body parser GET works and a payload is rejected', async () => {
    app = await startApp({ platform, controllers: [BankController], nest: { bodyParser: false } });
    expect((await callBranch(`${app.url}/bank/pay`)).status).toBe(200);
    // Fastify has a JSON parser of its own
    expect((await callBranch(`${app.url}/bank/pay`, { payload: { a: 1 } })).status).toBe(isStrict ? 409 : 200);
  });
});

class Amount {
  readonly amount!: number;
}

const piped: unknown[] = [];

/** As ValidationPipe: looks at bodies with a class, and leaves custom parameters alone. */
const validation: PipeTransform = {
  transform: (value: Amount | undefined, { type, metatype }) => {
    if (type === 'custom') return value;
    piped.push([type, metatype]);
    return Object.assign(new metatype!() as Amount, value);
  },
};

@Controller('shop')
class ShopController {
  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  reserve(
    @BranchPayload() amount: Amount,
    @Barrier() barrier: BranchBarrier,
    @Barrier() again: BranchBarrier,
  ): boolean[] {
    return [amount instanceof Amount, barrier instanceof BranchBarrier, barrier === again];
  }
  confirm(): void {}
  cancel(@Barrier() barrier: BranchBarrier): void {
    seen.push(barrier.context);
  }
}

describe.each(platforms)('parameters on %s', (platform) => {
  afterEach(closeApps);

  test('pipes of the application get the payload as a body with its class', async () => {
    seen.length = 0;
    const app = await startApp({
      platform,
      controllers: [ShopController],
      configure: (nest) => nest.useGlobalPipes(validation),
    });
    const answer = await callBranch(`${app.url}/shop/reserve`, { transType: 'tcc', op: 'try', payload: { amount: 1 } });
    expect(answer.body).toBe('[true,true,true]');
    expect(piped.splice(0)).toEqual([['body', Amount]]);
    await callBranch(`${app.url}/shop/reserve`, { transType: 'tcc', op: 'try' });
    expect(piped.splice(0)).toEqual([['body', Amount]]);
  });

  test('each request has its own barrier', async () => {
    seen.length = 0;
    const app = await startApp({ platform, controllers: [ShopController] });
    await callBranch(`${app.url}/shop/cancel`, { gid: 'a', transType: 'tcc', op: 'cancel' });
    await callBranch(`${app.url}/shop/cancel`, { gid: 'b', transType: 'tcc', op: 'cancel', branchId: '02' });
    expect(seen).toEqual([
      { gid: 'a', transType: 'tcc', branchId: '01', op: 'cancel' },
      { gid: 'b', transType: 'tcc', branchId: '02', op: 'cancel' },
    ]);
  });

  test('@Branch() and @Barrier() throw outside of a branch', async () => {
    @Controller()
    class PlainController {
      @Post('plain')
      plain(@Barrier() _barrier: BranchBarrier): void {}
    }
    const app = await startApp({ platform, controllers: [PlainController] });
    expect((await send(`${app.url}/plain?${query()}`, { payload: {} })).status).toBe(500);
    expect(app.logs.lines.join('\n')).toContain(
      'PlainController.plain uses @Barrier() but is no branch; decorate it with @SagaBranch, @TccAction, @MsgBranch or @XaBranch',
    );
  });
});
