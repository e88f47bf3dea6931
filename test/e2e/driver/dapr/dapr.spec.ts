import { randomUUID } from 'node:crypto';
import { dtmClient } from 'nestjs-dtm/client';
import { daprDriver, daprPayload } from 'nestjs-dtm/driver/dapr';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startConsul, type ConsulServer } from '../../../services/consul.mjs';
import { startDapr, type DaprServer } from '../../../services/dapr.mjs';
import { startDtm } from '../../../services/dtm.mjs';
import { freePorts } from '../../../services/free-ports.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcClient, requestMessage } from '../../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { Participant } from '../../../support/participant.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('dapr', 'consul', 'dtm');

/** The method by which Dapr's own API calls an application. */
const ON_INVOKE = 'dapr.proto.runtime.v1.AppCallback/OnInvoke';

/** The coordinator's requests to a bank; sidecars send requests of their own. */
function sagaOf(bank: Participant): Participant['requests'] {
  return bank.requests.filter(({ path }) => !path.startsWith('/dapr/'));
}

/** A coordinator with the driver and its own sidecar. */
interface Coordinator {
  readonly url: string;
  readonly grpcAddress: string;
}

describe.skipIf(!needed.available)(needed.title('the driver of Dapr, between two sidecars'), () => {
  let consul: ConsulServer;
  let own: DaprServer;
  beforeAll(async () => {
    consul = await startConsul();
    own = await startDapr({ appId: freshName('caller'), consul });
  });
  afterAll(() => Promise.all([own?.stop(), consul?.stop()]));

  const ports = (): { DAPR_HTTP_PORT: string; DAPR_GRPC_PORT: string } => ({
    DAPR_HTTP_PORT: String(own.httpPort),
    DAPR_GRPC_PORT: String(own.grpcPort),
  });

  const goDtm = async (): Promise<Coordinator> => {
    const dtm = await startDtm({ env: { MICRO_SERVICE_DRIVER: 'dtm-driver-dapr', ...ports() } });
    onTestFinished(() => dtm.stop());
    return { url: dtm.url, grpcAddress: `${dtm.host}:${dtm.grpcPort}` };
  };
  const ownCoordinator = async (): Promise<Coordinator> => {
    for (const [name, value] of Object.entries(ports())) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const [port, grpcPort] = (await freePorts(2)) as [number, number];
    const server = embeddedServer({
      store: memoryStore(),
      logger: new RecordingLogger(),
      driver: 'dtm-driver-dapr',
      listen: { port, grpcPort },
    });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();
    return { url: `http://127.0.0.1:${port}/api/dtmsvr`, grpcAddress: `127.0.0.1:${grpcPort}` };
  };

  const behindSidecar = async (appPort: number, appProtocol: 'http' | 'grpc'): Promise<string> => {
    const appId = freshName('bank');
    const sidecar = await startDapr({ appId, appPort, appProtocol, consul });
    onTestFinished(() => sidecar.stop());
    return appId;
  };
  const httpBank = async (): Promise<{ bank: Participant; appId: string }> => {
    const bank = await Participant.start();
    for (const path of ['/out', '/in', '/undo']) bank.answer(path, {});
    return { bank, appId: await behindSidecar(Number(new URL(bank.origin).port), 'http') };
  };
  const grpcBank = async (): Promise<{ bank: GrpcParticipant; appId: string }> => {
    const bank = await GrpcParticipant.start();
    for (const method of ['bank.Bank/Out', 'bank.Bank/In', ON_INVOKE]) bank.answer(method, REPLIES.success);
    return { bank, appId: await behindSidecar(Number(bank.address.split(':')[1]), 'grpc') };
  };

  const submitHttp = async ({ url }: Coordinator, steps: readonly object[], payloads: string[]): Promise<unknown> => {
    const body = JSON.stringify({ gid: randomUUID(), trans_type: 'saga', wait_result: true, steps, payloads });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/submit`, { method: 'POST', headers, body });
    return { status: answer.status, body: await answer.text() };
  };
  const submitGrpc = ({ grpcAddress }: Coordinator, steps: readonly object[], payloads: Buffer[]): Promise<string> =>
    new GrpcClient(grpcAddress).answer(
      'Submit',
      requestMessage(randomUUID(), 'saga', { steps, payloads, TransOptions: { WaitResult: true } }),
    );

  const url = (scheme: string, appId: string, method: string): string =>
    daprDriver().branchUrl!(`${scheme}://DAPR_ENV/${appId}`, `/${method}`);

  describe.each([
    ['Go dtm', goDtm],
    ['our coordinator', ownCoordinator],
  ] as const)('%s', (_, coordinatorOf) => {
    it.each(['daprhttp', 'daprphttp'])('calls branches over HTTP: %s', async (scheme) => {
      const [{ bank, appId }, dtm] = [await httpBank(), await coordinatorOf()];
      const steps = [{ action: url(scheme, appId, 'out') }, { action: url(scheme, appId, 'in?by=us') }];
      expect(await submitHttp(dtm, steps, ['{"out":1}', '{"in":2}'])).toMatchObject({ status: 200 });
      const requests = sagaOf(bank);
      expect(requests.map(({ path, body }) => `${path} ${body}`)).toEqual(['/out {"out":1}', '/in {"in":2}']);
      expect(requests[1]!.query).toMatchObject({ by: 'us', branch_id: '02', op: 'action' });
    });

    it('rolls back when a branch behind a sidecar refuses', async () => {
      const [{ bank, appId }, dtm] = [await httpBank(), await coordinatorOf()];
      bank.answer('/in', { status: 409 });
      const steps = [
        { action: url('daprphttp', appId, 'out'), compensate: url('daprphttp', appId, 'undo') },
        { action: url('daprphttp', appId, 'in') },
      ];
      expect(await submitHttp(dtm, steps, ['{}', '{}'])).toMatchObject({ status: 409 });
      expect(sagaOf(bank).map(({ path }) => path)).toEqual(['/out', '/in', '/undo']);
    });

    it('calls branches over gRPC, through the proxy of the sidecar', async () => {
      const [{ bank, appId }, dtm] = [await grpcBank(), await coordinatorOf()];
      const steps = ['Out', 'In'].map((method) => ({ action: url('daprpgrpc', appId, `bank.Bank/${method}`) }));
      expect(await submitGrpc(dtm, steps, [Buffer.from('out'), Buffer.from('in')])).toBe('OK');
      expect(bank.lines).toEqual(['/bank.Bank/Out 01 action', '/bank.Bank/In 02 action']);
      expect(bank.calls.map(({ message }) => String(message))).toEqual(['out', 'in']);
    });

    it("calls branches over gRPC, by Dapr's own API", async () => {
      const [{ bank, appId }, dtm] = [await grpcBank(), await coordinatorOf()];
      const steps = [{ action: url('daprgrpc', appId, 'transfer') }];
      expect(await submitGrpc(dtm, steps, [daprPayload('{"amount":30}')])).toBe('OK');
      expect(bank.lines).toEqual([`/${ON_INVOKE} 01 action`]);
      // InvokeRequest: method, data, type of the data
      const { message } = bank.calls[0]!;
      expect(message.subarray(0, 10)).toEqual(Buffer.from('\n\btransfer'));
      expect(String(message)).toContain('{"amount":30}');
      expect(String(message)).toContain('application/json');
    });

    it('is found behind its sidecar, over HTTP and gRPC', async () => {
      const dtm = await coordinatorOf();
      const driver = daprDriver();
      const overHttp = await behindSidecar(Number(new URL(dtm.url).port), 'http');
      const http = dtmClient(`daprphttp://127.0.0.1:${own.httpPort}/${overHttp}/api/dtmsvr`, { driver });
      onTestFinished(() => http.close?.());
      expect(await http.newGid()).toMatch(/./);
      const overGrpc = await behindSidecar(Number(dtm.grpcAddress.split(':')[1]), 'grpc');
      const grpc = dtmClient(`daprpgrpc://127.0.0.1:${own.grpcPort}/${overGrpc}`, { driver });
      onTestFinished(() => grpc.close?.());
      expect(await grpc.newGid()).toMatch(/./);
    });
  });
});
