import { AsyncLocalStorage } from 'node:async_hooks';
import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { ApplicationBranches, InProcessBranchCall, Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { branchTransport, withApplication } from '../../../lib/transport/index.js';

const SUCCESS: Outcome = { kind: 'success', body: '' };
const CONTEXT = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;

function callTo(url: string, change: Partial<OutgoingBranchCall> = {}): OutgoingBranchCall {
  return { url, context: CONTEXT, payload: '{}', timeoutSeconds: 5, ...change };
}

/** An application with one branch. */
function application(
  name: string | undefined,
  call: ApplicationBranches['call'] = () => Promise.resolve(SUCCESS),
): ApplicationBranches {
  return { name, has: (path) => path === '/bank/out', call };
}

/** Any other branch. */
const others: Transport & { urls: string[] } = {
  urls: [],
  call(call) {
    this.urls.push(call.url);
    return Promise.resolve(SUCCESS);
  },
  close: () => Promise.resolve(),
};

describe('a transport with the application of its process', () => {
  it('calls named branches in process, and all others by the other transport', async () => {
    const calls: InProcessBranchCall[] = [];
    const transport = withApplication(
      others,
      application('bank', (call) => {
        calls.push(call);
        return Promise.resolve(SUCCESS);
      }),
    );
    const headers = { 'x-a': '1' };
    expect(await transport.call(callTo('app://bank/bank/out?a=1', { headers }))).toEqual(SUCCESS);
    expect(await transport.call(callTo('http://bank/out'))).toEqual(SUCCESS);
    expect(calls).toEqual([{ path: '/bank/out?a=1', context: CONTEXT, payload: '{}', headers }]);
    expect(others.urls).toEqual(['http://bank/out']);
    expect(['app://bank/x', 'http://b/x', 'b:1/b.B/In'].map((url) => transport.isOverHttp?.(url))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each([
    ['app://shop/bank/out', 'bank', /only the application shop calls .* this is the application bank/],
    ['app://shop/bank/out', undefined, /only the application shop calls .* this application has no name/],
    ['app://bank/bank/in', 'bank', /has no branch \/bank\/in/],
    ['app://Bank/bank/out', 'bank', /expected app:\/\/application\/path/],
    ['app://bank', 'bank', /expected app:\/\/application\/path/],
  ])('refuses %s in the application %s, and calls nothing', async (url, name, reason) => {
    const transport = withApplication(
      others,
      application(name, () => Promise.reject(new Error('was called'))),
    );
    expect(() => transport.check?.(callTo(url))).toThrow(reason);
    const outcome = await transport.call(callTo(url));
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(reason), definite: true });
  });

  it.each(['bank', undefined])('finds a branch without the name of its application: %s', async (name) => {
    expect(await withApplication(others, application(name)).call(callTo('app:///bank/out'))).toEqual(SUCCESS);
  });

  it('ends a call at its time-out, while the branch goes on', async () => {
    const transport = withApplication(
      others,
      application('bank', () => new Promise(() => undefined)),
    );
    const outcome = await transport.call(callTo('app://bank/bank/out', { timeoutSeconds: 0.01 }));
    expect(outcome).toEqual({
      kind: 'unknown',
      message:
        'no answer: time-out after 0.01 s; requestTimeoutSeconds of the branch, of the transaction or of the coordinator sets this time',
    });
  });

  it('hides the AsyncLocalStorage of the initiator from the branch', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const transport = withApplication(
      others,
      application('bank', async () => {
        seen.push(storage.getStore());
        return SUCCESS;
      }),
    );
    await storage.run('transaction of the initiator', () => transport.call(callTo('app://bank/bank/out')));
    expect(seen).toEqual([undefined]);
  });

  it('is what a transport without an application asks for', () => {
    expect(() => branchTransport().check?.(callTo('app://bank/bank/out', { protocol: 'http' }))).toThrow(
      /called inside its process, by the coordinator that is embedded there; another coordinator needs an http/,
    );
  });
});
