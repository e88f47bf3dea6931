import * as grpc from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultDriver, splitBranchUrl, type DtmDriver } from '../../../lib/driver/index.js';
import { registerTimedScheme } from '../../../lib/driver/support/lookup/grpc-resolver/register-grpc-scheme.js';
import { grpcTransport, type OutgoingBranchCall, type Transport } from '../../../lib/transport/index.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { PlainGrpcClient } from '../../support/plain-grpc-client.js';
import { ScriptedAddresses, freshScheme, virtualTimes } from '../../support/scripted-addresses.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

async function participant(): Promise<GrpcParticipant> {
  const server = await GrpcParticipant.start();
  return server.answer('b.B/In', REPLIES.success);
}

/** A scheme whose addresses the test reports. */
function scripted(initial?: readonly string[]): { source: ScriptedAddresses; clock: VirtualClock; scheme: string } {
  const source = new ScriptedAddresses(initial);
  const clock = new VirtualClock();
  const scheme = freshScheme();
  registerTimedScheme(grpc, { scheme, driver: 'own', source }, virtualTimes(clock));
  return { source, clock, scheme };
}

describe('a client of gRPC, as Nest makes it, with the URL of a driver', () => {
  it('calls all the addresses in turn', async () => {
    const servers = await Promise.all([participant(), participant()]);
    const { scheme } = scripted(servers.map(({ address }) => address));
    const client = new PlainGrpcClient(`${scheme}:///bank`);
    // after both are connected
    await waitUntil(
      async () => (await client.call('/b.B/In')) === 'OK' && servers.every(({ calls }) => calls.length > 0),
    );
    for (const server of servers) server.calls.length = 0;
    for (let call = 0; call < 4; call++) expect(await client.call('/b.B/In')).toBe('OK');
    expect(servers.map(({ calls }) => calls.length)).toEqual([2, 2]);
  });

  it('calls only the first address when the user configures it', async () => {
    const servers = await Promise.all([participant(), participant()]);
    const { scheme } = scripted(servers.map(({ address }) => address));
    const first = JSON.stringify({ loadBalancingConfig: [{ pick_first: {} }] });
    const client = new PlainGrpcClient(`${scheme}:///bank`, { 'grpc.service_config': first });
    for (let call = 0; call < 4; call++) expect(await client.call('/b.B/In')).toBe('OK');
    expect(servers.map(({ calls }) => calls.length)).toEqual([4, 0]);
  });

  it('follows a service that moves', async () => {
    const [old, young] = await Promise.all([participant(), participant()]);
    const { source, scheme } = scripted([old.address]);
    const client = new PlainGrpcClient(`${scheme}:///bank`);
    expect(await client.call('/b.B/In')).toBe('OK');
    source.found(young.address);
    old.stop();
    expect(await client.call('/b.B/In')).toBe('OK');
    expect([old.calls.length, young.calls.length]).toEqual([1, 1]);
  });

  it('waits for the first instance of a name that is new', async () => {
    const server = await participant();
    const { source, scheme } = scripted([]);
    const client = new PlainGrpcClient(`${scheme}:///bank`);
    const call = client.call('/b.B/In', Infinity);
    await waitUntil(() => source.log.length > 0);
    source.found(server.address);
    expect(await call).toBe('OK');
  });

  it('waits 30 seconds for it when the call has no deadline', async () => {
    const { source, clock, scheme } = scripted([]);
    const call = new PlainGrpcClient(`${scheme}:///bank`).call('/b.B/In', Infinity);
    await waitUntil(() => source.log.length > 0);
    await clock.advance(30_000);
    expect(await call).toContain(`UNAVAILABLE no address for ${scheme}:///bank: no healthy instance is registered`);
  });

  it('fails at once while a known service has no instance, and recovers', async () => {
    const server = await participant();
    const { source, scheme } = scripted([server.address]);
    const client = new PlainGrpcClient(`${scheme}:///bank`);
    const nobody = `UNAVAILABLE no address for ${scheme}:///bank: no healthy instance is registered`;
    expect(await client.call('/b.B/In')).toBe('OK');
    source.found();
    expect(await client.call('/b.B/In', Infinity)).toContain(nobody);
    source.found(server.address);
    await waitUntil(async () => (await client.call('/b.B/In')) === 'OK');
  });

  it('fails while the registry is down, and recovers by itself', async () => {
    const server = await participant();
    const { source, clock, scheme } = scripted();
    const client = new PlainGrpcClient(`${scheme}:///bank`);
    const call = client.call('/b.B/In', Infinity);
    await clock.advance(5_000);
    expect(await call).toContain(`UNAVAILABLE no address for ${scheme}:///bank: no answer yet`);
    source.failed('registry down');
    expect(await client.call('/b.B/In', Infinity)).toContain('registry down');
    // for other channels as well, without a wait
    expect(await new PlainGrpcClient(`${scheme}:///bank`).call('/b.B/In', Infinity)).toContain('registry down');
    source.found(server.address);
    await waitUntil(async () => (await client.call('/b.B/In')) === 'OK');
    // and earlier addresses stay in use
    source.failed('down again');
    expect(await client.call('/b.B/In')).toBe('OK');
    expect(source.log).toEqual(['watch bank']);
  });

  it('survives the restart of the only server, whose address stays the same', async () => {
    const server = await participant();
    const { scheme } = scripted([server.address]);
    const client = new PlainGrpcClient(`${scheme}:///bank`, { 'grpc.initial_reconnect_backoff_ms': 100 });
    expect(await client.call('/b.B/In')).toBe('OK');
    await server.restart();
    await waitUntil(async () => (await client.call('/b.B/In')) === 'OK');
  });

  it('ends its watch when it is idle, and starts it again', async () => {
    const server = await participant();
    const { source, clock, scheme } = scripted([server.address]);
    const client = new PlainGrpcClient(`${scheme}:///bank`, { 'grpc.client_idle_timeout_ms': 1 });
    expect(await client.call('/b.B/In')).toBe('OK');
    // the timer of the lingering watch
    await waitUntil(() => clock.pending === 1);
    await clock.advance(10_000);
    expect(source.log).toEqual(['watch bank', 'stop bank']);
    expect(await client.call('/b.B/In')).toBe('OK');
    expect(source.log).toEqual(['watch bank', 'stop bank', 'watch bank']);
  });

  it.each(['h1:1,h2:2', 'a b', 'a%2Fb', 'служба', 'bank.2', 's?wait=1s', 'a:b:c', '-', '.'])(
    'connects to any name of a target: %s',
    async (path) => {
      const server = await participant();
      const { scheme } = scripted([server.address]);
      expect(await new PlainGrpcClient(`${scheme}:///${path}`).call('/b.B/In')).toBe('OK');
    },
  );
});

describe('the gRPC transport with a driver of its own', () => {
  const make = (scheme: string): Transport => {
    const driver: DtmDriver = {
      ...defaultDriver(),
      name: 'own',
      parseServerMethod: (uri) =>
        splitBranchUrl(uri, { driver: 'own', schemes: { [scheme]: `${scheme}:///service/pkg.Service/Method` } }),
    };
    const transport = grpcTransport({}, driver);
    onTestFinished(() => transport.close());
    return transport;
  };
  const callTo = (scheme: string): OutgoingBranchCall => ({
    url: `${scheme}:///bank/b.B/In`,
    context: { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' },
    payload: '',
    protocol: 'grpc',
    timeoutSeconds: 5,
  });

  it('calls branches whose addresses a registry knows', async () => {
    const server = await participant();
    const { source, clock, scheme } = scripted([server.address]);
    const [transport, call] = [make(scheme), callTo(scheme)];
    expect(await transport.call(call)).toMatchObject({ kind: 'success' });
    source.found();
    expect(await transport.call(call)).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('UNAVAILABLE'),
    });
    expect(await transport.call({ ...call, url: `${scheme}:///bank/b.B` })).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('three parts'),
    });
    expect(server.lines).toEqual(['/b.B/In 01 action']);
    await transport.close();
    await clock.advance(10_000);
    // although gRPC replaces a channel that could not connect
    expect(source.log).toEqual(['watch bank', 'stop bank']);
  });

  it('waits for the first instance of a name that is new', async () => {
    const server = await participant();
    const { source, scheme } = scripted([]);
    const outcome = make(scheme).call(callTo(scheme));
    await waitUntil(() => source.log.length > 0);
    source.found(server.address);
    expect(await outcome).toMatchObject({ kind: 'success' });
  });

  it('waits within the time of the call, and reports why', async () => {
    const server = await participant();
    const { source, scheme } = scripted([]);
    const transport = make(scheme);
    expect(await transport.call({ ...callTo(scheme), timeoutSeconds: 0.05 })).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining(
        `no address for ${scheme}:///bank within 0.05 s: no healthy instance is registered`,
      ),
    });
    // the next call waits again, over the same watch
    const outcome = transport.call(callTo(scheme));
    source.found(server.address);
    expect(await outcome).toMatchObject({ kind: 'success' });
    expect(source.log).toEqual(['watch bank']);
  });
});
