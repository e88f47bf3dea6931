import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultDriver } from '../../../lib/driver/index.js';
import { branchTransport } from '../../../lib/transport/index.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { H2Server } from '../../support/h2-server.js';
import { Participant } from '../../support/participant.js';

const CONTEXT = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;

function make(...options: Parameters<typeof branchTransport>): Transport {
  const transport = branchTransport(...options);
  onTestFinished(() => transport.close());
  return transport;
}

function callTo(url: string, change: Partial<OutgoingBranchCall> = {}): OutgoingBranchCall {
  return { url, context: CONTEXT, payload: '{}', timeoutSeconds: 5, ...change };
}

describe('the transport of a coordinator', () => {
  it.each(['http', 'grpc', 'json-rpc'] as const)(
    'calls HTTP URLs over HTTP and other URLs over gRPC, in a transaction over %s',
    async (protocol) => {
      const [shop, bank] = await Promise.all([Participant.start(), GrpcParticipant.start()]);
      bank.answer('b.B/In', REPLIES.success);
      const transport = make();
      expect(await transport.call(callTo(shop.url('/in'), { protocol }))).toMatchObject({ kind: 'success' });
      expect(await transport.call(callTo(bank.url('b.B/In'), { protocol }))).toMatchObject({ kind: 'success' });
      expect(shop.lines).toEqual(['POST /in']);
      expect(bank.lines).toEqual(['/b.B/In 01 action']);
    },
  );

  it('calls over JSON-RPC if the transaction and the URL ask for it', async () => {
    const shop = await Participant.start();
    shop.answer('/rpc', { body: '{"jsonrpc":"2.0","id":"x","result":null,"error":null}' });
    const call = callTo(shop.url('/rpc?method=In'), { protocol: 'json-rpc' });
    expect(await make().call(call)).toMatchObject({ kind: 'success' });
    expect(JSON.parse(shop.requests[0]!.body)).toMatchObject({ method: 'In', params: { gid: 'g1' } });
  });

  it('checks gRPC calls', () => {
    const transport = make();
    expect(() => transport.check?.(callTo('http://b/in'))).not.toThrow();
    expect(() => transport.check?.(callTo('HTTPS://b/in', { context: { ...CONTEXT, gid: 'ж' } }))).not.toThrow();
    expect(() => transport.check?.(callTo('b:1/b.B/In'))).not.toThrow();
    expect(() => transport.check?.(callTo('etcd://b/b.B/In'))).toThrow(/for etcd:\/\/ use dtm-driver-gozero/);
    expect(() => transport.check?.(callTo('b:1/b.B/In', { context: { ...CONTEXT, gid: 'ж' } }))).toThrow(/metadata/);
  });

  it('applies the limits of both transports, and the driver', async () => {
    const [shop, bank] = await Promise.all([Participant.start(), GrpcParticipant.start()]);
    shop.answer('/in', { body: 'x'.repeat(2000) });
    bank.answer('b.B/In', { message: Buffer.alloc(2000) });
    const driver = { ...defaultDriver(), parseServerMethod: () => ({ server: bank.address, method: '/b.B/In' }) };
    const transport = make({ http: { maxAnswerBytes: 1000 }, grpc: { maxAnswerBytes: 1000 }, driver });
    expect(await transport.call(callTo(shop.url('/in')))).toMatchObject({ kind: 'unknown' });
    expect(await transport.call(callTo('own://bank/in'))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^RESOURCE_EXHAUSTED/),
    });
    expect(bank.lines).toEqual(['/b.B/In 01 action']);
  });

  it('closes both transports', async () => {
    const [shop, bank] = await Promise.all([Participant.start(), H2Server.start()]);
    const transport = branchTransport();
    await transport.call(callTo(shop.url('/in')));
    await transport.call(callTo(`${bank.address}/b.B/In`));
    await transport.close();
    expect(await transport.call(callTo(shop.url('/in')))).toMatchObject({ kind: 'unknown' });
    expect(await transport.call(callTo(`${bank.address}/b.B/In`))).toMatchObject({ kind: 'unknown' });
    expect([shop.requests.length, bank.calls.length]).toEqual([1, 1]);
  });
});
