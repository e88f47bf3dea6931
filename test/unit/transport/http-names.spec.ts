import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { DtmDriver, HttpNameResolver } from 'nestjs-dtm/driver';
import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultDriver } from '../../../lib/driver/index.js';
import { branchTransport } from '../../../lib/transport/index.js';
import { Participant } from '../../support/participant.js';

const CONTEXT = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;

function callTo(url: string, change: Partial<OutgoingBranchCall> = {}): OutgoingBranchCall {
  return { url, context: CONTEXT, payload: '{}', timeoutSeconds: 5, ...change };
}

/** Resolves `book://name` with a list. */
function withNames(book: Readonly<Record<string, string>>, headers?: Record<string, string>): DtmDriver {
  const http: HttpNameResolver = {
    isNamed: (url, of) => url.startsWith('book://') || (of === 'coordinator' && url.startsWith('http://dtm')),
    check(url) {
      if (url.includes('..')) throw new DtmArgumentError('names have no dots');
    },
    async resolve(url) {
      const [, name = '', rest = ''] = /^book:\/\/([^/?]+)(.*)$/.exec(url) ?? [];
      const origin = book[name];
      if (origin === undefined) throw new Error(`no address for ${name}: no healthy instance is registered`);
      return { url: origin + rest, headers };
    },
  };
  return { ...defaultDriver(), name: 'dtm-driver-book', http };
}

function make(driver: DtmDriver): Transport {
  const transport = branchTransport({ driver });
  onTestFinished(() => transport.close());
  return transport;
}

describe('a transport whose driver resolves HTTP services by name', () => {
  it.each(['http', 'grpc', 'json-rpc'] as const)('calls them over HTTP in a transaction over %s', async (protocol) => {
    const bank = await Participant.start();
    const transport = make(withNames({ bank: bank.origin }));
    const outcome = await transport.call(callTo('book://bank/in?group=G', { protocol }));
    expect(outcome).toMatchObject({ kind: 'success' });
    expect(bank.requests.map(({ method, path, query }) => ({ method, path, query }))).toEqual([
      {
        method: 'POST',
        path: '/in',
        query: { group: 'G', gid: 'g1', trans_type: 'saga', branch_id: '01', op: 'action' },
      },
    ]);
  });

  it('sends the headers of the driver in addition to the branch headers', async () => {
    const bank = await Participant.start();
    const transport = make(withNames({ bank: bank.origin }, { 'dapr-app-id': 'bank' }));
    await transport.call(callTo('book://bank/in', { headers: { tenant: 'a' } }));
    expect(bank.requests[0]!.headers).toMatchObject({ 'dapr-app-id': 'bank', tenant: 'a' });
  });

  it('reports why a name cannot be resolved, and calls again once it can', async () => {
    const bank = await Participant.start();
    const book: Record<string, string> = {};
    const transport = make(withNames(book));
    expect(await transport.call(callTo('book://bank/in'))).toMatchObject({
      kind: 'unknown',
      unreachable: true,
      message: 'no answer: no address for bank: no healthy instance is registered',
    });
    book['bank'] = bank.origin;
    expect(await transport.call(callTo('book://bank/in'))).toMatchObject({ kind: 'success' });
  });

  it('gives the time of the call to the lookup, and the rest of it to the request', async () => {
    const slow = await Participant.start();
    slow.answer('/in', () => new Promise(() => undefined));
    const waits: (number | undefined)[] = [];
    const driver = withNames({ bank: slow.origin });
    const transport = make({
      ...driver,
      http: {
        ...driver.http!,
        async resolve(url, waitMs) {
          waits.push(waitMs);
          return driver.http!.resolve(url);
        },
      },
    });
    expect(await transport.call(callTo('book://bank/in', { timeoutSeconds: 0.05 }))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/time-out after 0\.0\d+ s/),
    });
    expect(waits).toEqual([50]);
  });

  it('does not change plain branch URLs', async () => {
    const bank = await Participant.start();
    const transport = make(withNames({}));
    expect(await transport.call(callTo(bank.url('/in')))).toMatchObject({ kind: 'success' });
    expect(transport.isOverHttp?.('http://dtm/in')).toBe(true);
  });

  it('reports which URLs use HTTP, and checks them', () => {
    const transport = make(withNames({}));
    expect(transport.isOverHttp?.('book://bank/in')).toBe(true);
    expect(transport.isOverHttp?.('bank:1/b.B/In')).toBe(false);
    expect(() => transport.check?.(callTo('book://bank/in', { protocol: 'http' }))).not.toThrow();
    expect(() => transport.check?.(callTo('book://../in', { protocol: 'http' }))).toThrow('names have no dots');
  });

  it('refuses gRPC URLs in a transaction without gRPC', () => {
    const transport = make(withNames({}));
    expect(() => transport.check?.(callTo('bank:1/b.B/In', { protocol: 'grpc' }))).not.toThrow();
    expect(() => transport.check?.(callTo('bank:1/b.B/In', { protocol: 'http' }))).toThrow(
      "this transaction calls branches over http or https only; set protocol: 'grpc'",
    );
    expect(() => transport.check?.(callTo('etcd://h:1/s/b.B/In', { protocol: 'json-rpc' }))).toThrow(
      /set protocol: 'grpc', and use the driver dtm-driver-gozero or dtm-driver-ego$/,
    );
  });
});
