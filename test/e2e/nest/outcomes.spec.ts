import {
  BadRequestException,
  ConflictException,
  Controller,
  HttpException,
  Injectable,
  UnprocessableEntityException,
  Res,
  type CanActivate,
  type ExecutionContext,
  UseGuards,
} from '@nestjs/common';
import {
  BranchPayload,
  DtmFailureError,
  DtmOngoingError,
  SagaBranch,
  TccAction,
  Branch,
  type BranchContext,
} from 'nestjs-dtm';
import { SUCCESS_BODY, readHttpOutcome } from 'nestjs-dtm/protocol';
import { of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callBranch, closeApps, query, send, startApp, type App } from './app.js';
import { platforms } from './platforms.js';

interface Work {
  readonly does?: string;
}

function behave(work: Work | undefined): unknown {
  switch (work?.does) {
    case 'fail':
      throw new DtmFailureError('no money, ONGOING or not');
    case 'wait':
      throw new DtmOngoingError('bank is closed, FAILURE is possible');
    case 'conflict':
      throw new ConflictException('already taken');
    case 'bad':
      throw new BadRequestException(['amount is no number', 'user is missing']);
    case 'unprocessable':
      throw new UnprocessableEntityException('amount < 0');
    case 'unavailable':
      throw new HttpException('maintenance, FAILURE or ONGOING', 503);
    case 'accepted':
      throw new HttpException('an odd way to succeed', 202);
    case 'early':
      throw new HttpException('too early', 425);
    case 'break':
      throw new TypeError('boom FAILURE ONGOING');
    case 'text':
      throw 'a text FAILURE'; // oxlint-disable-line no-throw-literal
    case 'words':
      return { text: 'FAILURE and ONGOING' };
    case 'observable':
      return of({ last: false }, { last: true });
    case 'bigint':
      return 1n;
    default:
      return work?.does;
  }
}

@Injectable()
class Doorman implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    const { headers } = execution.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers['x-guard'] === 'conflict') throw new ConflictException('guard');
    if (headers['x-guard'] === 'break') throw new Error('guard broke');
    return headers['x-guard'] !== 'no';
  }
}

const seen: unknown[] = [];

@Controller('bank')
class BankController {
  @UseGuards(Doorman)
  @SagaBranch({ compensate: 'undoTransOut' })
  transOut(@BranchPayload() work: Work | undefined, @Branch() context: BranchContext): unknown {
    seen.push([work, context]);
    return behave(work);
  }
  undoTransOut(@BranchPayload() work: Work | undefined): unknown {
    return behave(work);
  }

  @TccAction({ confirm: 'confirmFreeze', cancel: 'unfreeze' })
  async freeze(@BranchPayload() work: Work | undefined): Promise<unknown> {
    return behave(work);
  }
  async confirmFreeze(@BranchPayload() work: Work | undefined): Promise<unknown> {
    return behave(work);
  }
  async unfreeze(@BranchPayload() work: Work | undefined): Promise<unknown> {
    return behave(work);
  }

  @SagaBranch({ compensate: false })
  streams(
    @Res({ passthrough: true }) response: { raw?: { write(text: string): void }; write(text: string): void },
  ): void {
    const raw = response.raw ?? response;
    raw.write('half an answer ');
    throw new Error('too late');
  }

  @SagaBranch({ compensate: false })
  created(@Res({ passthrough: true }) response: { status(code: number): void }): void {
    response.status(201);
  }
}

const INTERNAL = expect.stringMatching(/^internal error [\da-f]{12}; the log has its text/) as string;

const forward = [
  { transType: 'saga', op: 'action', path: 'transOut' },
  { transType: 'tcc', op: 'try', path: 'freeze' },
];
const phase2 = [
  { transType: 'saga', op: 'compensate', path: 'undoTransOut' },
  { transType: 'tcc', op: 'confirm', path: 'confirmFreeze' },
  { transType: 'tcc', op: 'cancel', path: 'unfreeze' },
];

describe.each(platforms)('outcomes on %s', (platform) => {
  let app: App;

  beforeEach(async () => {
    seen.length = 0;
    app = await startApp({ platform, controllers: [BankController] });
  });
  afterEach(closeApps);

  const call = (branch: { path: string; op: string; transType: string }, does?: string) =>
    callBranch(`${app.url}/bank/${branch.path}`, { ...branch, payload: does === undefined ? undefined : { does } });

  test.each([...forward, ...phase2].filter(({ op }) => op !== 'try'))(
    'a return of $path is a success without its result',
    async (branch) => {
      const answer = await call(branch, 'words');
      expect(answer).toMatchObject({ status: 200, body: SUCCESS_BODY });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(app.logs.of('DtmBranch')).toEqual([]);
    },
  );

  test('a status set by the handler does not turn success into an error', async () => {
    expect(await callBranch(`${app.url}/bank/created`)).toMatchObject({ status: 200, body: SUCCESS_BODY });
  });

  test.each([
    ['a value', 'hello', '"hello"', 'hello'],
    ['nothing', undefined, SUCCESS_BODY, { dtm_result: 'SUCCESS' }],
    ['the last value of an observable', 'observable', '{"last":true}', { last: true }],
  ])('a try returns %s', async (_what, does, body, value) => {
    const answer = await call(forward[1]!, does);
    expect(answer).toMatchObject({ status: 200, body });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(answer.body)).toEqual(value);
  });

  test('a result with the words ONGOING and FAILURE is still a success', async () => {
    const answer = await call(forward[1]!, 'words');
    expect(readHttpOutcome(answer.status, answer.body).kind).toBe('success');
    expect(JSON.parse(answer.body)).toEqual({ text: 'FAILURE and ONGOING' });
  });

  test('a try with a result that is not JSON has an unknown outcome', async () => {
    expect((await call(forward[1]!, 'bigint')).status).toBe(500);
    expect(app.logs.of('DtmBranch')).toHaveLength(1);
  });

  describe.each(forward)('$transType $op', (branch) => {
    test.each([
      ['fail', 'no money, ONGOING or not'],
      ['conflict', 'already taken'],
      ['bad', 'amount is no number; user is missing'],
      ['unprocessable', 'amount < 0'],
    ])('%s is a failure', async (does, message) => {
      const answer = await call(branch, does);
      expect(answer.status).toBe(409);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(readHttpOutcome(answer.status, answer.body)).toEqual({ kind: 'failure', message });
      expect(app.logs.of('DtmBranch')).toHaveLength(1);
      expect(app.logs.of('DtmBranch')[0]).toContain(
        `warn DtmBranch: ${branch.transType} g1, branch 01, ${branch.op} at BankController.${branch.path} failed`,
      );
    });

    test.each([
      ['break', 500, INTERNAL],
      ['text', 500, INTERNAL],
      ['unavailable', 503, 'maintenance, FAILURE or ONGOING'],
      ['accepted', 500, 'an odd way to succeed'],
      ['early', 500, 'too early'],
    ])('%s is an unknown outcome with status %i', async (does, status, message) => {
      const answer = await call(branch, does);
      expect(answer.status).toBe(status);
      expect(readHttpOutcome(answer.status, answer.body).kind).toBe('unknown');
      expect(JSON.parse(answer.body)).toEqual({ message });
      expect(app.logs.of('DtmBranch')).toHaveLength(1);
      expect(app.logs.of('DtmBranch')[0]).toContain('error DtmBranch');
      expect(app.logs.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    });
  });

  describe.each(phase2)('$transType $op', (branch) => {
    test.each([
      ['fail', 409, 'failure'],
      ['conflict', 409, 'failure'],
      ['bad', 409, 'failure'],
      ['unprocessable', 409, 'failure'],
      ['break', 500, 'unknown'],
      ['accepted', 500, 'unknown'],
    ])('%s is answered by %i, retried and logged as an error', async (does, status, kind) => {
      const answer = await call(branch, does);
      expect(answer.status).toBe(status);
      expect(readHttpOutcome(answer.status, answer.body).kind).toBe(kind);
      const [line, ...others] = app.logs.of('DtmBranch');
      expect(others).toEqual([]);
      expect(line).toContain(
        `error DtmBranch: ${branch.transType} g1, branch 01, ${branch.op} at BankController.${branch.path} failed, although this operation must not fail`,
      );
      expect(line).toMatch(/\n.*\n\s+at /);
    });
    test('keeps the status of an error without an outcome', async () => {
      expect((await call(branch, 'unavailable')).status).toBe(503);
    });
  });

  test.each([...forward, ...phase2])('$op may ask to be called again', async (branch) => {
    const answer = await call(branch, 'wait');
    expect(answer.status).toBe(425);
    expect(readHttpOutcome(answer.status, answer.body)).toEqual({
      kind: 'ongoing',
      message: 'bank is closed, FAILURE is possible',
    });
    expect(app.logs.of('DtmBranch')).toEqual([expect.stringContaining('debug DtmBranch')]);
  });

  test.each([...forward, ...phase2])('the text of an unexpected error of $op is in the log only', async (branch) => {
    const { message } = JSON.parse((await call(branch, 'break')).body) as { message: string };
    expect(message).toMatch(/^internal error [\da-f]{12}; the log has its text under this id$/);
    const id = message.split(/[ ;]/)[2]!;
    expect(app.logs.of('DtmBranch')).toEqual([expect.stringContaining(`boom FAILURE ONGOING (internal error ${id})`)]);
  });

  test('the text of an unexpected error of a guard is in the log only, for any caller', async () => {
    for (const text of [query(), '']) {
      const url = `${app.url}/bank/transOut?${text}`;
      const answer = await send(url, { payload: {}, headers: { 'x-guard': 'break' } });
      expect([answer.status, JSON.parse(answer.body)]).toEqual([500, { message: INTERNAL }]);
    }
    expect(app.logs.of('DtmBranch').every((line) => line.includes('guard broke (internal error '))).toBe(true);
  });

  test('an option answers the texts of unexpected errors', async () => {
    app = await startApp({ platform, controllers: [BankController], dtm: { exposeErrorTextsToCallers: true } });
    expect(JSON.parse((await call(forward[0]!, 'break')).body)).toEqual({ message: 'boom FAILURE ONGOING' });
  });

  test('a guard that rejects keeps its status, with and without the parameters of dtm', async () => {
    const refused = await callBranch(`${app.url}/bank/transOut`, { payload: {}, headers: { 'x-guard': 'no' } });
    expect(refused.status).toBe(403);
    expect((await send(`${app.url}/bank/transOut`, { payload: {}, headers: { 'x-guard': 'no' } })).status).toBe(403);
    expect(seen).toEqual([]);
    expect(app.logs.of('DtmBranch')).toEqual([
      expect.stringMatching(
        /^error DtmBranch: saga g1, branch 01, action at POST \/bank\/transOut has an unknown outcome/,
      ),
      expect.stringMatching(/^warn DtmBranch: POST \/bank\/transOut rejected a call with 403/),
    ]);
  });

  test('a guard may fail the branch, but only in calls of dtm', async () => {
    const headers = { 'x-guard': 'conflict' };
    expect((await callBranch(`${app.url}/bank/transOut`, { payload: {}, headers })).status).toBe(409);
    expect((await send(`${app.url}/bank/transOut`, { payload: {}, headers })).status).toBe(400);
    expect((await send(`${app.url}/bank/transOut`, { payload: {}, headers: { 'x-guard': 'break' } })).status).toBe(500);
    expect(app.logs.of('DtmBranch')).toHaveLength(3);
  });

  test('a response that has begun is ended, and the application continues', async () => {
    expect(await callBranch(`${app.url}/bank/streams`)).toMatchObject({ status: 200, body: 'half an answer ' });
    expect(app.logs.of('DtmBranch')).toEqual([expect.stringContaining('too late')]);
    expect(app.logs.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect((await callBranch(`${app.url}/bank/transOut`)).status).toBe(200);
  });

  test.each([
    ['no parameters', ''],
    ['no gid', 'branch_id=01&op=action&trans_type=saga'],
    ['an empty gid', 'gid=&branch_id=01&op=action&trans_type=saga'],
    ['a gid that is too long', `gid=${'x'.repeat(129)}&branch_id=01&op=action&trans_type=saga`],
    ['a gid with a control character', 'gid=a%0Ab&branch_id=01&op=action&trans_type=saga'],
    ['a gid that is not UTF-8', 'gid=a%FF&branch_id=01&op=action&trans_type=saga'],
    ['a branch_id that is not UTF-8', 'gid=a&branch_id=%ed%a0%80&op=action&trans_type=saga'],
    ['two different gids', 'gid=a&gid=b&branch_id=01&op=action&trans_type=saga'],
    ['no branch_id', 'gid=a&op=action&trans_type=saga'],
    ['no op', 'gid=a&branch_id=01&trans_type=saga'],
    ['an unknown trans_type', 'gid=a&branch_id=01&op=action&trans_type=constructor'],
    ['another mode', 'gid=a&branch_id=01&op=action&trans_type=msg'],
    ['another op', 'gid=a&branch_id=01&op=compensate&trans_type=saga'],
  ])('%s: 400, and the handler does not run', async (_what, text) => {
    for (const payload of [{ does: 'x' }, undefined]) {
      const answer = await send(`${app.url}/bank/transOut?${text}`, { payload });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({ message: expect.any(String) as string });
    }
    expect(seen).toEqual([]);
    expect(app.logs.of('DtmBranch')).toHaveLength(2);
  });

  test('a gid may have a percent sign', async () => {
    expect((await callBranch(`${app.url}/bank/transOut`, { gid: '100 %ff' })).status).toBe(200);
    expect(seen).toEqual([[undefined, expect.objectContaining({ gid: '100 %ff' })]]);
  });

  test('the rejection names the operation of the method and the one of the call', async () => {
    const answer = await callBranch(`${app.url}/bank/transOut`, { op: 'compensate' });
    expect(JSON.parse(answer.body)).toEqual({
      message: 'BankController.transOut serves saga action, but was called for saga compensate',
    });
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])(
    '%s is rejected with the allowed methods',
    async (method) => {
      const answer = await callBranch(`${app.url}/bank/transOut`, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('GET, POST');
      expect(seen).toEqual([]);
    },
  );

  test('the handler gets payload and context', async () => {
    await callBranch(`${app.url}/bank/transOut`, { gid: 'größe 1', branchId: '0102', payload: { a: 1 } });
    expect(seen).toEqual([
      [{ a: 1 }, expect.objectContaining({ gid: 'größe 1', transType: 'saga', branchId: '0102', op: 'action' })],
    ]);
  });
});
