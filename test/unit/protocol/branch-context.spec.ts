import { DtmArgumentError, appendBranchQuery, readBranchQuery, type BranchContext } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';

const CONTEXT: BranchContext = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' };
const QUERY = 'branch_id=01&gid=g1&op=action&trans_type=saga';

describe('appending the branch parameters to a URL', () => {
  it.each([
    ['http://b/a', `http://b/a?${QUERY}`],
    ['http://b', `http://b?${QUERY}`],
    ['http://b/a?', `http://b/a?${QUERY}`],
    ['http://b/a?x=1', `http://b/a?x=1&${QUERY}`],
    ['http://b/a?x=1&', `http://b/a?x=1&${QUERY}`],
    ['http://b/a?gid=other', `http://b/a?gid=other&${QUERY}`],
    ['http://b/a#part', `http://b/a?${QUERY}#part`],
    ['http://b/a?x=1#part?y', `http://b/a?x=1&${QUERY}#part?y`],
    ['http://b/a?x=%20%26', `http://b/a?x=%20%26&${QUERY}`],
  ])('%s', (url, expected) => {
    expect(appendBranchQuery(url, CONTEXT)).toBe(expected);
  });

  it('puts them in alphabetical order, with dtm and phase2_url where there are any', () => {
    const context: BranchContext = { ...CONTEXT, transType: 'xa', dtm: 'http://d:1/api', phase2Url: 'http://b/p?x=1' };
    const url = appendBranchQuery('http://b/a', context);
    expect([...new URL(url).searchParams]).toEqual([
      ['branch_id', '01'],
      ['dtm', 'http://d:1/api'],
      ['gid', 'g1'],
      ['op', 'action'],
      ['phase2_url', 'http://b/p?x=1'],
      ['trans_type', 'xa'],
    ]);
  });

  it.each(['a b&c=d#e?f/g\'h"i', '100%', '汉字', '😀', '+'])('a gid like %s comes back unchanged', (gid) => {
    const url = appendBranchQuery('http://b/a?x=1', { ...CONTEXT, gid });
    const { searchParams } = new URL(url);
    expect(searchParams.get('gid')).toBe(gid);
    expect(readBranchQuery(Object.fromEntries(searchParams)).gid).toBe(gid);
  });
});

describe('reading the branch parameters of a request', () => {
  const query = { gid: 'g1', trans_type: 'tcc', branch_id: '0101', op: 'try' };

  it('gives the context', () => {
    expect(readBranchQuery({ ...query, dtm: 'http://d', phase2_url: 'http://p', other: '1' })).toEqual({
      gid: 'g1',
      transType: 'tcc',
      branchId: '0101',
      op: 'try',
      dtm: 'http://d',
      phase2Url: 'http://p',
    });
  });

  it('takes branch_type of the old Node SDK for op, but only where op is missing', () => {
    expect(readBranchQuery({ ...query, op: undefined, branch_type: 'confirm' }).op).toBe('confirm');
    expect(readBranchQuery({ ...query, branch_type: 'confirm' }).op).toBe('try');
  });

  it('takes a parameter that is given twice with one value, refuses one with two values', () => {
    expect(readBranchQuery({ ...query, gid: ['g1', 'g1'] }).gid).toBe('g1');
    expect(() => readBranchQuery({ ...query, gid: ['g1', 'g2'] })).toThrow(/gid occurs more than once/);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no parameter at all', {}, /not a branch call: trans_type is null/],
    ['an unknown mode', { ...query, trans_type: 'SAGA' }, /trans_type is "SAGA"/],
    ['no gid', { ...query, gid: undefined }, /gid must be a non-empty string/],
    ['an empty gid', { ...query, gid: '' }, /gid must be a non-empty string/],
    ['no branch id', { ...query, branch_id: '' }, /branch_id must be a non-empty string/],
    ['no op', { ...query, op: undefined }, /op must be a non-empty string/],
    ['an op that is too long', { ...query, op: 'x'.repeat(46) }, /op has more than 45/],
    ['a gid with a line break', { ...query, gid: 'a\nb' }, /gid .* control character/],
    ['a branch id with a semicolon', { ...query, branch_id: '01;drop' }, /branch_id .*";"/],
    ['an object for a parameter', { ...query, gid: { $ne: '' } }, /gid occurs more than once/],
    ['an empty list', { ...query, gid: [] }, /gid occurs more than once/],
    ['a number', { ...query, gid: 1 }, /gid occurs more than once/],
  ])('refuses %s', (_, given, message) => {
    expect(() => readBranchQuery(given)).toThrow(DtmArgumentError);
    expect(() => readBranchQuery(given)).toThrow(message);
  });

  it('does not look for parameters on the prototype', () => {
    const inherited = Object.create({ ...query }) as Record<string, unknown>;
    expect(() => readBranchQuery(inherited)).toThrow(/not a branch call/);
  });
});
