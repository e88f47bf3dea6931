import * as protocol from 'nestjs-dtm/protocol';
import {
  DtmArgumentError,
  DtmBranchError,
  DtmError,
  DtmFailureError,
  DtmOngoingError,
  DtmOutcomeError,
} from 'nestjs-dtm/protocol';
import { beforeAll, describe, expect, it, vi } from 'vitest';

type ErrorType = new (message: string, options?: protocol.DtmErrorOptions) => DtmError;

/** Classes whose first argument is the code. */
const BASES = new Set(['DtmError', 'DtmOutcomeError']);

/** The error classes of a copy of the package, by name. */
const typesOf = (copy: object): Map<string, ErrorType> =>
  new Map(
    Object.entries(copy).filter(([name]) => /^Dtm\w+Error$/.test(name) && !BASES.has(name)) as [string, ErrorType][],
  );

const TYPES = [...typesOf(protocol)];

describe('the errors', () => {
  it.each(TYPES)('%s has a code of its own, its name, cause and gid', (name, type) => {
    const cause = new Error('below');
    const error = new type('what happened', { cause, gid: 'g1' });
    expect(error).toMatchObject({ name, message: 'what happened', gid: 'g1', cause });
    expect(error.code).toBe(`DTM_${name.slice(3, -5).toUpperCase()}`);
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(DtmError);
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain(`${name}: what happened`);
  });

  it.each([DtmFailureError, DtmOngoingError, DtmBranchError])(
    'of an outcome know reason, branch and next attempt: %o',
    (type) => {
      const known = { reason: 'no money', branch: { branchId: '02', op: 'action' }, nextAttempt: new Date(0) };
      expect(new type('transaction g1 …', known)).toMatchObject(known);
      expect(new type('no money')).toMatchObject({ reason: 'no money', branch: undefined, nextAttempt: undefined });
      expect(new type('transaction g1 …', { reason: undefined }).reason).toBeUndefined();
      expect(new type('no money')).toBeInstanceOf(DtmOutcomeError);
      expect(new DtmArgumentError('x')).not.toBeInstanceOf(DtmOutcomeError);
    },
  );

  it('have no cause property unless there is one', () => {
    expect('cause' in new DtmFailureError('x')).toBe(false);
  });

  it('are told apart', () => {
    const error = new DtmFailureError('x');
    expect(error).not.toBeInstanceOf(DtmOngoingError);
    expect(error).not.toBeInstanceOf(DtmBranchError);
    expect(new Error('x')).not.toBeInstanceOf(DtmError);
    for (const value of [null, undefined, 'DtmError', 1, {}]) expect(value instanceof DtmError).toBe(false);
  });
});

describe('a subclass made by the user', () => {
  class NoMoney extends DtmFailureError {}
  class NoMoneyAtAll extends NoMoney {}

  it('is recognised as itself, its bases and nothing else', () => {
    const error = new NoMoneyAtAll('x');
    for (const type of [NoMoneyAtAll, NoMoney, DtmFailureError, DtmError, Error]) expect(error).toBeInstanceOf(type);
    expect(error).not.toBeInstanceOf(DtmArgumentError);
    expect(new DtmFailureError('x')).not.toBeInstanceOf(NoMoney);
    expect(new NoMoney('x')).not.toBeInstanceOf(NoMoneyAtAll);
  });

  it('counts as the outcome that its base stands for', () => {
    expect(protocol.errorOutcome(new NoMoneyAtAll('x')).kind).toBe('failure');
  });
});

describe('a second installed copy of the package', () => {
  let other: typeof protocol;

  beforeAll(async () => {
    vi.resetModules();
    other = await import('nestjs-dtm/protocol');
  });

  it('is another module with other classes', () => {
    expect(other.DtmFailureError).not.toBe(DtmFailureError);
  });

  it.each(TYPES)('recognises our %s, and we recognise its', (name, OurType) => {
    const TheirType = typesOf(other).get(name)!;
    const [ours, theirs] = [new OurType('x'), new TheirType('x')];
    expect(ours instanceof TheirType).toBe(true);
    expect(theirs instanceof OurType).toBe(true);
    expect(ours instanceof other.DtmError).toBe(true);
    expect(theirs instanceof DtmError).toBe(true);
    expect(theirs instanceof (name === 'DtmFailureError' ? DtmOngoingError : DtmFailureError)).toBe(false);
  });

  it('gives the same outcome for an error of either', () => {
    expect(protocol.errorOutcome(new other.DtmOngoingError('x')).kind).toBe('ongoing');
    expect(other.errorOutcome(new DtmFailureError('x')).kind).toBe('failure');
  });
});
