import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  DtmStoreError,
  GRPC_STATUS,
  decodeNotExecutedTrailer,
  encodeNotExecutedTrailer,
  grpcStatusName,
  readGrpcOutcome,
  writeGrpcError,
  writeGrpcOutcome,
} from '../../../lib/protocol/internal.js';

describe('the status that a branch answers', () => {
  it.each<[string, number, string, object]>([
    ['OK', 0, '', { kind: 'success', body: '' }],
    ['OK with a message', 0, 'FAILURE', { kind: 'success', body: '' }],
    ['ABORTED', 10, 'no money', { kind: 'failure', message: 'no money' }],
    ['ABORTED with the word', 10, 'no money FAILURE', { kind: 'failure', message: 'no money' }],
    ['ABORTED with the word alone', 10, 'FAILURE', { kind: 'failure', message: '' }],
    ['ABORTED with nothing', 10, '', { kind: 'failure', message: '' }],
    ['ABORTED with exactly ONGOING', 10, 'ONGOING', { kind: 'ongoing', message: '' }],
    ['ABORTED with ONGOING and more', 10, 'still ONGOING', { kind: 'failure', message: 'still' }],
    ['FAILED_PRECONDITION', 9, 'not yet', { kind: 'ongoing', message: 'not yet' }],
    ['FAILED_PRECONDITION with FAILURE', 9, 'FAILURE', { kind: 'ongoing', message: '' }],
  ])('%s decides', (_, code, message, outcome) => {
    expect(readGrpcOutcome(code, message)).toEqual(outcome);
  });

  it.each(Object.entries(GRPC_STATUS).filter(([, code]) => ![0, 9, 10].includes(code)))(
    '%s decides nothing, whatever its message says',
    (name, code) => {
      expect(readGrpcOutcome(code, 'FAILURE')).toMatchObject({ kind: 'unknown', message: `${name}: FAILURE` });
    },
  );

  it('may be one that gRPC does not have', () => {
    expect(readGrpcOutcome(99, 'x')).toMatchObject({ kind: 'unknown', message: 'status 99: x' });
    expect(grpcStatusName(14)).toBe('UNAVAILABLE');
  });

  it('is a failure before the branch was executed when a trailer says so', () => {
    const outcome = { kind: 'failure', message: 'too large', notExecuted: true } as const;
    expect(readGrpcOutcome(10, 'too large FAILURE', '', true)).toEqual(outcome);
    expect(readGrpcOutcome(9, 'too large', '', true)).not.toHaveProperty('notExecuted');
    expect(writeGrpcOutcome(outcome)).toEqual({ code: 10, message: 'too large FAILURE', notExecuted: true });
  });

  it.each([
    [true, 'true'],
    [['0101'], '0101'],
    [['0101', '0102'], '0101,0102'],
  ] as const)('has a trailer for the branches %j that were not executed', (branches, text) => {
    expect(encodeNotExecutedTrailer(branches)).toBe(text);
    expect(decodeNotExecutedTrailer(text)).toEqual(branches);
    expect(decodeNotExecutedTrailer('')).toBeUndefined();
  });

  it('says whether anybody is there', () => {
    expect(readGrpcOutcome(GRPC_STATUS.UNAVAILABLE, '')).toMatchObject({ unreachable: true });
    expect(readGrpcOutcome(GRPC_STATUS.DEADLINE_EXCEEDED, '')).toMatchObject({ unreachable: true });
    expect(readGrpcOutcome(GRPC_STATUS.UNIMPLEMENTED, '')).toMatchObject({ unreachable: false, definite: true });
    expect(readGrpcOutcome(GRPC_STATUS.UNAVAILABLE, '')).toMatchObject({ definite: false });
  });

  it.each([
    ['grpc-js and C++', 'Received message larger than max (4194310 vs 4194304)'],
    ['Go', 'grpc: received message larger than max (4194310 vs. 4194304)'],
    ['Java', 'gRPC message exceeds maximum size 4194304: 4194310'],
    ['.NET', 'Received message exceeds the maximum configured message size.'],
  ])('does not change by waiting when a message exceeds a limit, in the words of %s', (_, text) => {
    expect(readGrpcOutcome(GRPC_STATUS.RESOURCE_EXHAUSTED, text)).toMatchObject({ kind: 'unknown', definite: true });
    expect(readGrpcOutcome(GRPC_STATUS.RESOURCE_EXHAUSTED, 'too many requests')).toMatchObject({ definite: false });
    expect(readGrpcOutcome(GRPC_STATUS.UNAVAILABLE, text)).toMatchObject({ definite: false });
  });

  it('is cut when it is too long to keep', () => {
    const long = 'x'.repeat(5000);
    expect(readGrpcOutcome(10, long)).toEqual({ kind: 'failure', message: `${'x'.repeat(1000)}…` });
    expect(readGrpcOutcome(13, long)).toMatchObject({ message: `INTERNAL: ${'x'.repeat(1000)}…` });
  });
});

describe('the status that an operation ends with', () => {
  it.each<[string, unknown, number, string]>([
    ['a refusal', new DtmFailureError('cannot abort.'), 10, 'cannot abort. FAILURE'],
    ['a refusal that has the word', new DtmFailureError('no money FAILURE'), 10, 'no money FAILURE'],
    ['a refusal without a text', new DtmFailureError(''), 10, 'FAILURE'],
    ['a refusal that says ONGOING', new DtmFailureError('ONGOING'), 10, 'FAILURE'],
    ['an undecided wait', new DtmOngoingError('g is submitted'), 9, 'g is submitted ONGOING'],
    ['an undecided wait without a text', new DtmOngoingError(''), 9, 'ONGOING'],
    ['a wrong argument', new DtmArgumentError('gid must be a non-empty string'), 3, 'gid must be a non-empty string'],
    ['what the coordinator cannot do', new DtmServerError('no such a topic'), 2, 'no such a topic'],
    ['a store that failed', new DtmStoreError('disk full'), 13, 'disk full'],
    ['a wrong setting', new DtmConfigError('x'), 13, 'x'],
    ['a mistake', new TypeError('x is undefined'), 13, 'x is undefined'],
    ['what is no error', 'x', 13, 'x'],
  ])('of %s', (_, error, code, message) => {
    expect(writeGrpcError(error)).toEqual({ code, message });
  });

  it('has a message that a header can hold, whole characters only', () => {
    for (const text of ['x'.repeat(9000), 'ä'.repeat(9000), '帳'.repeat(9000), `x${'😀'.repeat(9000)}`]) {
      const { message } = writeGrpcError(new DtmFailureError(text));
      expect(encodeURI(message).length).toBeLessThan(6100);
      expect(message).toMatch(/^(x+|ä+|帳+|x(😀)+)… FAILURE$/u);
    }
    expect(writeGrpcError(new Error('a\ud800b')).message).toBe('a\ufffdb');
  });
});
