import type { BranchHeadersSource } from 'nestjs-dtm/protocol';
import { describe, expect, test } from 'vitest';
import { addBranchHeaders } from '../../../lib/transport/add-branch-headers.js';
import type { OutgoingBranchCall, Transport } from '../../../lib/transport/transport.js';

const CALL: OutgoingBranchCall = {
  url: 'http://bank/out',
  context: { gid: 'g', transType: 'saga', branchId: '01', op: 'action' },
  payload: '{}',
  timeoutSeconds: 3,
};

function record(): { calls: OutgoingBranchCall[]; transport: Transport } {
  const calls: OutgoingBranchCall[] = [];
  const transport: Transport = {
    call: (call) => {
      calls.push(call);
      return Promise.resolve({ kind: 'success', body: '' });
    },
    close: () => Promise.resolve(),
  };
  return { calls, transport };
}

describe('addBranchHeaders', () => {
  test('passes calls on unchanged without headers', async () => {
    const { calls, transport } = record();
    await addBranchHeaders(transport, () => undefined).call(CALL);
    expect(calls[0]).toBe(CALL);
  });

  test.each<[string, BranchHeadersSource]>([
    ['an object', { A: '1', B: '2' }],
    ['a function', () => ({ A: '1', B: '2' })],
    ['a function with a promise', () => Promise.resolve({ A: '1', B: '2' })],
  ])('adds the headers of %s; those of the transaction take precedence', async (_what, source) => {
    const { calls, transport } = record();
    await addBranchHeaders(transport, () => source).call({ ...CALL, headers: { a: 'own', C: '3' } });
    expect(calls[0]!.headers).toEqual({ a: 'own', b: '2', c: '3' });
  });

  test('makes no call when the function takes longer than the call may, and when it fails', async () => {
    const { calls, transport } = record();
    const waits: number[] = [];
    const after = (ms: number, run: () => void): (() => void) => {
      waits.push(ms);
      queueMicrotask(run);
      return () => undefined;
    };
    const endless = addBranchHeaders(transport, () => () => new Promise(() => undefined), after);
    expect(await endless.call(CALL)).toEqual({
      kind: 'unknown',
      message:
        'not called: the branch headers were not known after 3 s; let the function of branchHeaders answer from a cache',
    });
    expect(waits).toEqual([3000]);
    const failing = (): never => {
      throw new Error('no token');
    };
    expect(await addBranchHeaders(transport, () => failing).call(CALL)).toMatchObject({
      kind: 'unknown',
      message: 'not called: no token',
    });
    expect(calls).toEqual([]);
  });

  test('counts the time of the function to the time-out of the call', async () => {
    const { calls, transport } = record();
    let release: (headers: Record<string, string>) => void = () => undefined;
    const source = (): Promise<Record<string, string>> => new Promise((resolve) => (release = resolve));
    const answer = addBranchHeaders(transport, () => source).call(CALL);
    // long enough for the clock to show it
    const begin = performance.now();
    while (performance.now() - begin < 2) await new Promise((resolve) => setImmediate(resolve));
    release({});
    await answer;
    expect(calls[0]!.timeoutSeconds).toBeGreaterThan(0);
    expect(calls[0]!.timeoutSeconds).toBeLessThan(3);
  });
});
