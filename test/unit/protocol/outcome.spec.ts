import { describe, expect, it } from 'vitest';
import {
  DtmBranchError,
  DtmFailureError,
  DtmOngoingError,
  SUCCESS_BODY,
  errorOutcome,
  outcomeError,
  readHttpOutcome,
  stringifyEscaped,
  writeHttpOutcome,
  type Outcome,
} from '../../../lib/protocol/internal.js';

describe('reading an HTTP answer', () => {
  it.each<[number, string, Outcome['kind']]>([
    [200, '', 'success'],
    [200, SUCCESS_BODY, 'success'],
    [200, 'null', 'success'],
    [200, '{"dtm_result":"FAILURE"}', 'failure'],
    [200, '{"dtm_result":"ONGOING"}', 'ongoing'],
    [200, 'failure ongoing', 'success'],
    [200, 'some FAILUREs of text', 'failure'],
    [409, '', 'failure'],
    [409, '{"message":"no money"}', 'failure'],
    [409, 'ONGOING', 'ongoing'],
    [425, '', 'ongoing'],
    [425, 'FAILURE', 'ongoing'],
    [500, '', 'unknown'],
    [500, 'boom FAILURE', 'failure'],
    [500, 'boom ONGOING', 'ongoing'],
    [500, 'FAILURE then ONGOING', 'ongoing'],
    [201, SUCCESS_BODY, 'unknown'],
    [204, '', 'unknown'],
    [302, '', 'unknown'],
    [404, 'not found', 'unknown'],
  ])(
    '%i with body %j means %s: ONGOING before FAILURE before the status, and only 200 is a success',
    (status, body, kind) => {
      expect(readHttpOutcome(status, body).kind).toBe(kind);
    },
  );

  it('keeps the body of a success as it is', () => {
    expect(readHttpOutcome(200, ' {"a": 1} ')).toEqual({ kind: 'success', body: ' {"a": 1} ' });
  });

  it.each([
    ['{"dtm_result":"FAILURE","message":"no money FAILURE"}', 'no money'],
    ['{"error":"no money"}', 'no money'],
    ['{"message":1,"error":"no money"}', 'no money'],
    ['{"message":"","error":"x"}', ''],
    ['{"code":7}', '{"code":7}'],
    ['{broken', '{broken'],
    ['no money FAILURE', 'no money'],
    ['FAILURE', ''],
    ['noFAILURE', 'noFAILURE'],
    ['[1]', '[1]'],
  ])('takes the reason out of %j, without the word', (body, message) => {
    expect(readHttpOutcome(409, body)).toMatchObject({ kind: 'failure', message });
  });

  it('names the status of an answer that decides nothing', () => {
    expect(readHttpOutcome(503, 'busy')).toMatchObject({ kind: 'unknown', message: 'status 503: busy' });
  });

  it('cuts a reason that is too long to keep', () => {
    const outcome = readHttpOutcome(409, 'x'.repeat(5000));
    expect(outcome).toMatchObject({ message: `${'x'.repeat(1000)}…` });
  });
});

describe('writing an HTTP answer', () => {
  it.each<[Outcome, number, string]>([
    [{ kind: 'success', body: '{"a":1}' }, 200, '{"a":1}'],
    [{ kind: 'failure', message: 'no money' }, 409, '{"dtm_result":"FAILURE","message":"no money FAILURE"}'],
    [{ kind: 'failure', message: 'no money FAILURE' }, 409, '{"dtm_result":"FAILURE","message":"no money FAILURE"}'],
    [{ kind: 'failure', message: '' }, 409, '{"dtm_result":"FAILURE","message":"FAILURE"}'],
    [{ kind: 'ongoing', message: '' }, 425, '{"dtm_result":"ONGOING","message":"ONGOING"}'],
    [{ kind: 'ongoing', message: 'ONGOING' }, 425, '{"dtm_result":"ONGOING","message":"ONGOING"}'],
    [{ kind: 'ongoing', message: 'wait' }, 425, '{"dtm_result":"ONGOING","message":"wait ONGOING"}'],
    [{ kind: 'unknown', message: 'boom "x"' }, 500, '{"message":"boom \\"x\\""}'],
  ])('%j', (outcome, status, body) => {
    expect(writeHttpOutcome(outcome)).toEqual({ status, body });
  });

  it.each(['unknown', 'failure', 'ongoing'] as const)(
    'an %s is read back as one, whatever words its message holds',
    (kind) => {
      for (const message of [
        '',
        'FAILURE',
        'ONGOING',
        'a FAILURE b',
        'ONGOING FAILURE',
        'FAILURE ONGOING',
        'FAILUREONGOING',
        '\\FAILURE',
        '"\nONGOING',
      ]) {
        const { status, body } = writeHttpOutcome({ kind, message });
        expect(readHttpOutcome(status, body).kind, `${kind} ${message}`).toBe(kind);
        expect(() => JSON.parse(body) as unknown).not.toThrow();
      }
    },
  );

  it('escapes the words so that JSON readers get the same text', () => {
    const value = { FAILURE: 'ONGOING', list: ['x FAILURE', '\\ONGOING', 'FAILUREFAILURE', '\u000fAILURE'] };
    const text = stringifyEscaped(value);
    expect(text).not.toMatch(/FAILURE|ONGOING/);
    expect(JSON.parse(text)).toEqual(value);
  });

  it('writes undefined as null', () => {
    expect(stringifyEscaped(undefined)).toBe('null');
  });
});

describe('a failure before the branch was executed', () => {
  const outcome = { kind: 'failure', message: 'too large', notExecuted: true } as const;

  it('is written into the answer, and read from it', () => {
    const { status, body } = writeHttpOutcome(outcome);
    expect([status, body]).toEqual([409, '{"dtm_result":"FAILURE","message":"too large FAILURE","not_executed":true}']);
    expect(readHttpOutcome(status, body)).toEqual(outcome);
  });

  it('may be that of nested branches', () => {
    const nested = { ...outcome, notExecuted: ['0101', '0102'] };
    const { body } = writeHttpOutcome(nested);
    expect(JSON.parse(body)).toMatchObject({ not_executed: ['0101', '0102'] });
    expect(readHttpOutcome(409, body)).toEqual(nested);
  });

  it.each([
    ['{"message":"no FAILURE","not_executed":[]}'],
    ['{"message":"no FAILURE","not_executed":[1]}'],
    ['{"message":"no FAILURE","not_executed":false}'],
    ['{"message":"no FAILURE","not_executed":"true"}'],
    ['{"message":"no FAILURE","data":{"not_executed":true}}'],
    ['["FAILURE",{"not_executed":true}]'],
    ['{"not_executed":true FAILURE'],
  ])('is nothing else: %s', (body) => {
    expect(readHttpOutcome(409, body)).not.toHaveProperty('notExecuted');
  });

  it('is no matter of other outcomes', () => {
    expect(readHttpOutcome(425, '{"not_executed":true}')).not.toHaveProperty('notExecuted');
    expect(readHttpOutcome(413, '{"not_executed":true}')).not.toHaveProperty('notExecuted');
    expect(writeHttpOutcome({ ...outcome, kind: 'unknown' }).body).toBe('{"message":"too large"}');
  });
});

describe('outcomes and errors', () => {
  it.each([
    ['failure', DtmFailureError, 'no money'],
    ['ongoing', DtmOngoingError, 'no money'],
    ['unknown', DtmBranchError, 'try of 01: no money'],
  ] as const)('%s becomes %o', (kind, type, message) => {
    const cause = new Error('below');
    const error = outcomeError({ kind, message: 'no money', cause }, 'try of 01', { gid: 'g' });
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message, gid: 'g', cause });
  });

  it('gives an outcome without a message the name of the branch', () => {
    expect(outcomeError({ kind: 'failure', message: '' }, 'try of 01').message).toBe('try of 01 failed');
    expect(outcomeError({ kind: 'ongoing', message: '' }, 'try of 01').message).toBe('try of 01 is not decided yet');
  });

  it.each<[unknown, string, string]>([
    [new DtmFailureError('no money'), 'failure', 'no money'],
    [new DtmOngoingError('wait'), 'ongoing', 'wait'],
    [new Error('boom'), 'unknown', 'boom'],
    [new DtmBranchError('boom'), 'unknown', 'boom'],
    ['text', 'unknown', 'text'],
    [undefined, 'unknown', 'undefined'],
  ])('a thrown %o counts as %s', (thrown, kind, message) => {
    expect(errorOutcome(thrown)).toMatchObject({ kind, message, cause: thrown });
  });
});
