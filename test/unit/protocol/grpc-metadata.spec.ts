import { describe, expect, it } from 'vitest';
import { DtmArgumentError, branchMetadata } from '../../../lib/protocol/internal.js';

const CONTEXT = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;

const OWN = { 'dtm-gid': 'g1', 'dtm-trans_type': 'saga', 'dtm-branch_id': '01', 'dtm-op': 'action', 'dtm-dtm': '' };

const metadata = (...args: Parameters<typeof branchMetadata>): Record<string, string> =>
  Object.fromEntries(branchMetadata(...args));

describe('the metadata of a branch call', () => {
  it('says who calls, and for what, with an empty address of the coordinator', () => {
    expect(metadata(CONTEXT)).toEqual(OWN);
  });

  it('of an initiator has the address of the coordinator, and of an XA the URL of its second phase', () => {
    expect(metadata({ ...CONTEXT, dtm: 'dtm:36790', phase2Url: 'h:1/b.B/In' })).toEqual({
      ...OWN,
      'dtm-dtm': 'dtm:36790',
      'dtm-phase2_url': 'h:1/b.B/In',
    });
  });

  it('has the branch headers, in lower case', () => {
    expect(metadata(CONTEXT, { 'X-Trace.Id_1': 'a b;c', empty: '', 'token-bin': 'bytes' })).toEqual({
      ...OWN,
      'x-trace.id_1': 'a b;c',
      empty: '',
      'token-bin': 'bytes',
    });
  });

  it('does not let branch headers say who calls', () => {
    expect(metadata(CONTEXT, { 'Dtm-Gid': 'other', 'dtm-op': 'compensate', 'dtm-dtm': 'x' })).toEqual(OWN);
  });

  it('leaves out branch headers that frame the message', () => {
    const names = [
      'Content-Type',
      'TE',
      'User-Agent',
      'Host',
      'Connection',
      'Content-Length',
      'grpc-timeout',
      'Grpc-X',
    ];
    expect(metadata(CONTEXT, Object.fromEntries(names.map((name) => [name, 'x'])))).toEqual(OWN);
  });

  it.each<[string, object, Record<string, string>]>([
    ['a gid in other letters', { gid: 'заказ' }, {}],
    ['a branch id in other letters', { branchId: 'ä' }, {}],
    ['a workflow whose name is in other letters', { op: '帳' }, {}],
    ['a header name with "!"', {}, { 'x!': 'a' }],
    ['an empty header name', {}, { '': 'a' }],
    ['a tab in a header', {}, { a: 'x\ty' }],
    ['a line break in a header', {}, { a: 'x\r\ny' }],
    ['more than servers take', {}, { a: 'x'.repeat(8000) }],
    ['many small headers', {}, Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`h${index}`, '']))],
  ])('cannot carry %s', (_, change, headers) => {
    expect(() => branchMetadata({ ...CONTEXT, ...change }, headers)).toThrow(DtmArgumentError);
  });
});
