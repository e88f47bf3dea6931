import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  assertBranchHeaders,
  assertHttpUrl,
  decodeBranchRegistration,
  encodeBranchRegistration,
  type TccBranchRegistration,
} from '../../../lib/protocol/internal.js';

const BRANCH: TccBranchRegistration = {
  gid: 'g1',
  transType: 'tcc',
  branchId: '01',
  confirm: 'http://b/confirm',
  cancel: 'http://b/cancel',
  payload: '{"a":1}',
};

describe('the body of registerBranch', () => {
  it('is a flat object of texts', () => {
    expect(JSON.parse(encodeBranchRegistration(BRANCH))).toEqual({
      gid: 'g1',
      trans_type: 'tcc',
      branch_id: '01',
      data: '{"a":1}',
      confirm: 'http://b/confirm',
      cancel: 'http://b/cancel',
    });
  });

  it('comes back as it was', () => {
    const fields = JSON.parse(encodeBranchRegistration(BRANCH)) as Record<string, string>;
    expect(decodeBranchRegistration(fields)).toEqual(BRANCH);
  });

  it('carries bytes that are text, and refuses others', () => {
    expect(encodeBranchRegistration({ ...BRANCH, payload: Buffer.from('ä') })).toContain('"data":"ä"');
    expect(() => encodeBranchRegistration({ ...BRANCH, payload: new Uint8Array([0xff]) })).toThrow(DtmArgumentError);
  });

  it('may have other keys, of old SDKs, and keys in another case', () => {
    const fields = { GID: 'g1', Trans_Type: 'tcc', branch_ID: '01', status: 'prepared', try: 'http://b/try' };
    expect(decodeBranchRegistration(fields)).toMatchObject({
      gid: 'g1',
      branchId: '01',
      confirm: '',
      cancel: '',
      payload: '',
    });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['an unknown mode', { trans_type: 'zz' }, /^unknow trans type: zz$/],
    ['no mode', { trans_type: '' }, /^unknow trans type: $/],
    ['a mode without branches', { trans_type: 'saga' }, /^unknow trans type: saga$/],
    ['no gid', { gid: '' }, /^gid must be a non-empty string/],
    ['a gid that is not allowed', { gid: 'a;b' }, /^gid /],
    ['no branch id', { branch_id: '' }, /^branch_id must be a non-empty string/],
  ])('is refused with %s', (_, change, message) => {
    const fields = JSON.parse(encodeBranchRegistration(BRANCH)) as Record<string, string>;
    expect(() => decodeBranchRegistration({ ...fields, ...change })).toThrow(message);
  });
});

describe('a branch URL', () => {
  it.each(['http://b', 'https://b:1/a?x=1#f', 'http://user:pw@b/', 'http://[::1]:80/a', 'http://b/a b'])(
    'may be %s',
    (url) => {
      expect(() => assertHttpUrl(url, 'action')).not.toThrow();
    },
  );

  it.each([
    'b/a',
    'localhost:8080/a',
    '/a',
    '',
    'ftp://b/a',
    'javascript:alert(1)',
    'http://',
    ' http://b',
    'http://b/a\nb',
    'http://b/\0',
    'http://b/ ',
  ])('must not be %j', (url) => {
    expect(() => assertHttpUrl(url, 'action')).toThrow(DtmArgumentError);
    expect(() => assertHttpUrl(url, 'action')).toThrow(/^action /);
  });
});

describe('branch headers', () => {
  it('may have any name and value that HTTP can carry', () => {
    expect(() => assertBranchHeaders({ 'x-Trace.id_1': 'a b\tc;"d"', empty: '' })).not.toThrow();
    expect(() => assertBranchHeaders(undefined)).not.toThrow();
  });

  it.each([
    ['a blank name', { '': 'x' }],
    ['a blank in the name', { 'a b': 'x' }],
    ['a colon in the name', { 'a:b': 'x' }],
    ['a line break in the value', { a: 'x\r\ny: z' }],
    ['a NUL in the value', { a: '\0' }],
    ['letters outside ASCII', { a: 'Ж' }],
  ])('must not have %s', (_, headers) => {
    expect(() => assertBranchHeaders(headers)).toThrow(/^branch header /);
  });
});
