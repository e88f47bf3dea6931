import { readFileSync } from 'node:fs';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { protocol1Driver } from '../../../lib/driver/index.js';
import { startDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { GrpcClient, requestMessage } from '../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const go = requireOrSkip('dtm-protocol1');

const NAME = 'dtm-driver-protocol1';
const WAIT = { TransOptions: { WaitResult: true } };

/** Several tests share a Go dtm, which keeps its transactions. */
function uniqueGid(): string {
  return `g-${String(Math.random()).slice(2)}`;
}

async function bank(): Promise<GrpcParticipant> {
  const participant = await GrpcParticipant.start();
  for (const method of ['Out', 'OutUndo', 'In', 'InUndo']) participant.answer(`bank.Bank/${method}`, REPLIES.success);
  return participant;
}

/** A transfer of two steps, whose branches have URLs of the driver. */
function transfer(participant: GrpcParticipant, gid: string): object {
  const url = (method: string): string => `protocol1:///${participant.url(`bank.Bank/${method}`)}`;
  const steps = [
    { action: url('Out'), compensate: url('OutUndo') },
    { action: url('In'), compensate: url('InUndo') },
  ];
  return requestMessage(gid, 'saga', { steps, payloads: ['out', 'in'], ...WAIT });
}

/** The example of the guide, with a coordinator at `host:port`. */
function guidesExample(address: () => string): void {
  const clientOf = (prefix: string): GrpcClient => new GrpcClient(prefix + address());

  it.each(['protocol1:///', 'protocol1://'])('answers a call at %s with a gid', async (prefix) => {
    const { status, reply } = await clientOf(prefix).call('NewGid');
    expect({ status, ...reply }).toEqual({ status: 'OK', Gid: expect.stringMatching(/./) });
  });

  it('calls the branches of a saga', async () => {
    const participant = await bank();
    expect(await clientOf('protocol1://').answer('Submit', transfer(participant, uniqueGid()))).toBe('OK');
    expect(participant.lines).toEqual(['/bank.Bank/Out 01 action', '/bank.Bank/In 02 action']);
    expect(participant.calls.map(({ message }) => String(message))).toEqual(['out', 'in']);
  });

  it('calls the compensations of a saga', async () => {
    const participant = await bank();
    participant.answer('bank.Bank/In', REPLIES.failure);
    const { status } = await clientOf('protocol1:///').call('Submit', transfer(participant, uniqueGid()));
    expect(status).toBe('ABORTED');
    expect(participant.lines).toEqual([
      '/bank.Bank/Out 01 action',
      '/bank.Bank/In 02 action',
      '/bank.Bank/InUndo 02 compensate',
      '/bank.Bank/OutUndo 01 compensate',
    ]);
  });

  it('confirms a TCC', async () => {
    const participant = await bank();
    const client = clientOf('protocol1://');
    const gid = uniqueGid();
    const tcc = requestMessage(gid, 'tcc', WAIT);
    const url = (method: string): string => `protocol1:///${participant.url(`bank.Bank/${method}`)}`;
    const Data = { confirm: url('In'), cancel: url('InUndo') };
    expect(await client.answer('Prepare', tcc)).toBe('OK');
    expect(await client.answer('RegisterBranch', { Gid: gid, TransType: 'tcc', BranchID: '01', Data })).toBe('OK');
    expect(await client.answer('Submit', tcc)).toBe('OK');
    expect(participant.lines).toEqual(['/bank.Bank/In 01 confirm']);
  });
}

// what the module and the client do at bootstrap
beforeAll(() => protocol1Driver().registerGrpcResolver());

describe('the embedded coordinator with dtm-driver-protocol1', () => {
  const server = embeddedServer({
    store: memoryStore(),
    logger: new RecordingLogger(),
    driver: NAME,
    listen: { port: 0, grpcPort: 0 },
  });

  beforeAll(async () => {
    await server.open();
    server.recover();
  });
  afterAll(() => server.close());

  guidesExample(() => server.grpcAddress!);

  it.each([
    // Go dtm takes half of the method for the address, and retries forever
    ['protocol1://127.0.0.1:1/bank.Bank/In', /with three slashes/],
    ['etcd:///trans/bank.Bank/In', /dtm-driver-gozero or dtm-driver-ego/],
  ])('refuses the branch %s before anything is stored', async (action, message) => {
    const gid = uniqueGid();
    const request = requestMessage(gid, 'saga', { steps: [{ action }], payloads: ['x'], ...WAIT });
    const answer = await new GrpcClient(`protocol1:///${server.grpcAddress}`).answer('Submit', request);
    expect(answer).toMatch(/^INVALID_ARGUMENT action /);
    expect(answer).toMatch(message);
    expect((await server.all()).transactions.filter((transaction) => transaction.gid === gid)).toEqual([]);
  });
});

describe.skipIf(!go.available)(go.title('Go dtm with dtm-driver-protocol1'), () => {
  let dtm: Awaited<ReturnType<typeof startDtm>>;

  beforeAll(async () => {
    const env = { LOG_LEVEL: 'debug', MICRO_SERVICE_DRIVER: NAME };
    dtm = await startDtm({ build: 'dtm-protocol1', env });
  });
  afterAll(() => dtm?.stop());

  guidesExample(() => `${dtm.host}:${dtm.grpcPort}`);

  it('logs its calls, as the guide shows', async () => {
    await new GrpcClient(`protocol1://${dtm.host}:${dtm.grpcPort}`).call('NewGid');
    expect(readFileSync(dtm.logFile, 'utf8')).toContain('/dtmgimp.Dtm/NewGid');
  });

  it('takes half of the method of a branch with two slashes for its address', async () => {
    const participant = await bank();
    const action = `protocol1://${participant.url('bank.Bank/Out')}`;
    const client = new GrpcClient(`protocol1://${dtm.host}:${dtm.grpcPort}`);
    const request = requestMessage(uniqueGid(), 'saga', { steps: [{ action }], payloads: ['out'], ...WAIT });
    // the retries never end, and the answer looks like a failure
    expect(await client.answer('Submit', request)).toBe('ABORTED wait result not return success: FAILURE');
    expect(participant.lines).toEqual([]);
  });
});

describe('a driver whose resolver cannot be registered', () => {
  it('keeps the coordinator from starting', async () => {
    const driver = { ...protocol1Driver(), registerGrpcResolver: () => Promise.reject(new Error('gRPC is too old')) };
    const server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), driver });
    onTestFinished(() => server.close());
    await expect(server.open()).rejects.toThrow('gRPC is too old');
  });
});
