import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startConsul, type ConsulServer } from '../../../services/consul.mjs';
import { startDtm } from '../../../services/dtm.mjs';
import { freePorts } from '../../../services/free-ports.mjs';
import { runGoCaller, startGoPartner } from '../../../services/go-partner.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcClient, requestMessage } from '../../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { goWorldCases } from '../go-world.js';
import { checksInConsul, servicesInConsul } from '../services-in-consul.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('consul', 'dtm', 'go-partner', 'go-partner-new');

describe.skipIf(!needed.available)(needed.title('the driver of kratos on consul'), () => {
  let consul: ConsulServer;
  let registry: string;
  beforeAll(async () => {
    consul = await startConsul();
    registry = `consul://${consul.host}:${consul.port}`;
  });
  afterAll(() => consul?.stop());

  goWorldCases(() => ({
    framework: 'kratos',
    registry,
    driver: () => kratosDriver({ registry }),
    registration: (service, address) => ({ target: `${registry}/${service}`, endpoint: `grpc://${address}` }),
    address: (service) => `discovery:///${service}`,
  }));

  it.each(['go-partner', 'go-partner-new'] as const)(
    'registers services that kratos finds at once: %s',
    async (build) => {
      const [bank, name] = [await GrpcParticipant.start(), freshName('busi')];
      bank.answer('busi.Busi/TransIn', REPLIES.success);
      const registration = await kratosDriver().registerService(`${registry}/${name}`, `grpc://${bank.address}`);
      onTestFinished(() => registration.close());
      const call = await runGoCaller({ framework: 'kratos', registry, name, build });
      expect(call, call.output).toMatchObject({ exitCode: 0 });
      expect(bank.calls.map(({ method }) => method)).toEqual(['/busi.Busi/TransIn']);
    },
  );

  it.each(['go-partner', 'go-partner-new'] as const)(
    'a service of kratos that has just been registered takes part, though Consul has not checked it yet: %s',
    async (build) => {
      const [port, grpcPort] = (await freePorts(2)) as [number, number];
      const logger = new RecordingLogger();
      const driver = kratosDriver({ registry });
      const server = embeddedServer({ store: memoryStore(), logger, driver, listen: { port, grpcPort } });
      onTestFinished(() => server.close());
      await server.open();
      server.recover();

      const name = freshName('busi');
      const partner = await startGoPartner({ framework: 'kratos', registry, name, build });
      onTestFinished(() => partner.stop());
      expect((await checksInConsul(consul, name)).map(({ Status }) => Status)).toContain('critical');
      const url = (method: string): string => `discovery:///${name}/busi.Busi/${method}`;
      const saga = requestMessage(freshName('g'), 'saga', {
        steps: [
          { action: url('TransOut'), compensate: url('TransOutRevert') },
          { action: url('TransIn'), compensate: url('TransInRevert') },
        ],
        payloads: ['', ''],
        // Consul checks every 10 s
        TransOptions: { WaitResult: true, RequestTimeout: 30 },
      });
      const { status, message } = await new GrpcClient(`127.0.0.1:${grpcPort}`).call('Submit', saga, 60_000);
      expect([status, message]).toEqual(['OK', '']);
      // the first attempt has waited for the first address
      expect(logger.of('warn')).toEqual([]);
      expect(partner.lines().map((line) => line.replace(/ gid=.*branch_id=/, ' '))).toEqual([
        'transfer out 0 cents from 0 01 op=action',
        'transfer in 0 cents to 0 02 op=action',
      ]);
    },
  );

  it('writes what Go dtm writes, with an id of its own', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const [bank, other] = [await GrpcParticipant.start(), await GrpcParticipant.start()];
    const endpoint = `grpc://${bank.address},http://${other.address}`;
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-kratos',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await kratosDriver().registerService(`${registry}/${ours}`, endpoint);
    onTestFinished(() => registration.close());

    const [own] = await servicesInConsul(consul, ours);
    const id = own!.ID;
    expect(id).toMatch(/^[\da-f-]{36}$/);
    const seen = (value: object): string => JSON.stringify(value).replaceAll(ours, 'bank').replaceAll(id, '(id)');
    // Consul uses the name as the id of Go's entry; the checks of Go's entry have an empty id
    const [go] = await servicesInConsul(consul, theirs);
    expect(go?.ID).toBe(theirs);
    const { ID: _own, ...ownFields } = own!;
    const { ID: _go, ...goFields } = go!;
    expect(seen(ownFields)).toBe(JSON.stringify(goFields).replaceAll(theirs, 'bank'));
    const kinds = async (service: string): Promise<object[]> =>
      (await checksInConsul(consul, service)).map(({ Type, Interval, Timeout }) => ({ Type, Interval, Timeout }));
    expect(await kinds(ours)).toEqual(await kinds(theirs));
  });

  it('registers again when the agent has lost it, and deregisters at the close', async () => {
    const name = freshName('bank');
    const registration = await kratosDriver().registerService(`${registry}/${name}`, 'grpc://127.0.0.1:1');
    const [{ ID }] = (await servicesInConsul(consul, name)) as [{ ID: string }];
    await fetch(`${consul.url}/v1/agent/service/deregister/${ID}`, { method: 'PUT' });
    expect(await servicesInConsul(consul, name)).toEqual([]);
    await expect.poll(() => servicesInConsul(consul, name)).toMatchObject([{ ID }]);
    await expect.poll(() => registration.problem).toBeUndefined();
    await registration.close();
    expect(await servicesInConsul(consul, name)).toEqual([]);
  });
});
