import { branchUrlOf } from '../../../lib/driver/support/base/branch-url-of.js';
import type { DriverRegistration, DtmDriver } from 'nestjs-dtm/driver';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { runGoInitiator, startGoPartner, type Framework } from '../../services/go-partner.mjs';
import { GrpcClient, requestMessage } from '../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { freshName } from '../../support/fresh-name.js';

/** A framework with its registry, in Go and in this package. */
export interface GoWorld {
  /** Name of the framework's Go partner. */
  readonly framework: Framework;
  /** The registry, in the format of the Go partner. */
  readonly registry: string;
  /** Creates the driver of this package. */
  driver(): DtmDriver;
  /** Target and endpoint of a service, in Go and in this package. */
  registration(service: string, address: string): { readonly target: string; readonly endpoint: string };
  /** Address of a service. */
  address(service: string): string;
  /** Address of a service for Go's client. @default the same address */
  goAddress?(service: string): string;
  /** Name under which the Go partner registers. @default the name of the service */
  partnerName?(service: string): string;
  /** Driver of Go's client. @default the same driver */
  readonly goDriver?: string;
  /** Prepares a gRPC server of a test for the clients of the framework. @default nothing */
  prepare?(server: GrpcParticipant): void;
  /** Files that Go dtm needs. */
  readonly files?: Readonly<Record<string, string>>;
}

const TRANSFER = { TransOptions: { WaitResult: true } };

const POLL_OPTIONS = { timeout: 60_000, interval: 100 };

/** How the driver of this package and those of Go work together; needs a Go dtm and Go partners. */
export function goWorldCases(worldOf: () => GoWorld): void {
  const driverOf = async (): Promise<DtmDriver> => {
    const driver = worldOf().driver();
    onTestFinished(() => driver.close?.());
    await driver.registerGrpcResolver();
    return driver;
  };
  const register = async (service: string, address: string): Promise<DriverRegistration> => {
    const { target, endpoint } = worldOf().registration(service, address);
    const registration = await worldOf().driver().registerService(target, endpoint);
    onTestFinished(() => registration.close().catch(() => undefined));
    expect(registration.problem).toBeUndefined();
    return registration;
  };
  const goDtm = async (service: string): Promise<void> => {
    const { driver, registration, files = {} } = worldOf();
    const dtm = await startDtm({
      files,
      env: ({ grpcPort }) => {
        const { target, endpoint } = registration(service, `127.0.0.1:${grpcPort}`);
        return {
          MICRO_SERVICE_DRIVER: driver().name,
          MICRO_SERVICE_TARGET: target,
          // Go's driver of Polaris registers nothing without a token
          MICRO_SERVICE_END_POINT: endpoint || 'token',
        };
      },
    });
    onTestFinished(() => dtm.stop());
  };
  /** A coordinator of this package that is found by its name. */
  const ownCoordinator = async (service: string): Promise<void> => {
    const [grpcPort] = (await freePorts(1)) as [number];
    const server = embeddedServer({
      store: memoryStore(),
      logger: new RecordingLogger(),
      driver: worldOf().driver(),
      listen: { port: 0, grpcPort },
      register: worldOf().registration(service, `127.0.0.1:${grpcPort}`),
    });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();
  };
  /** Waits until a service is found. */
  const untilFound = async (service: string, method: string): Promise<void> => {
    const { client } = new GrpcClient(worldOf().address(service));
    const call = (): Promise<number> =>
      new Promise((resolve) => {
        const bytes = (value: Buffer): Buffer => value;
        const deadline = Date.now() + 10_000;
        client.makeUnaryRequest(method, bytes, bytes, Buffer.alloc(0), { deadline }, (error) =>
          resolve(error?.code ?? 0),
        );
      });
    await expect.poll(call, POLL_OPTIONS).toBe(0);
  };

  it('Go dtm is called where it has registered itself', async () => {
    const dtm = freshName('dtm');
    await driverOf();
    await goDtm(dtm);
    await untilFound(dtm, '/dtmgimp.Dtm/NewGid');
    expect(await new GrpcClient(worldOf().address(dtm)).answer('NewGid')).toBe('OK');
  });

  it('Go dtm calls the services that this driver registers, and the remaining ones after one is deregistered', async () => {
    const driver = await driverOf();
    const [dtm, bank] = [freshName('dtm'), freshName('bank')];
    const [one, other] = [await GrpcParticipant.start(), await GrpcParticipant.start()];
    for (const each of [one, other]) {
      worldOf().prepare?.(each);
      for (const method of ['Out', 'OutUndo', 'In', 'InUndo']) each.answer(`bank.Bank/${method}`, REPLIES.success);
    }
    const registration = await register(bank, one.address);
    await goDtm(dtm);
    await Promise.all([untilFound(dtm, '/dtmgimp.Dtm/NewGid'), untilFound(bank, '/bank.Bank/Out')]);
    one.calls.length = 0;

    const url = (method: string): string => branchUrlOf(driver, worldOf().address(bank), `/bank.Bank/${method}`);
    const steps = [
      { action: url('Out'), compensate: url('OutUndo') },
      { action: url('In'), compensate: url('InUndo') },
    ];
    const client = new GrpcClient(worldOf().address(dtm));
    const saga = (): object => requestMessage(freshName('g'), 'saga', { steps, payloads: ['out', 'in'], ...TRANSFER });
    expect(await client.answer('Submit', saga())).toBe('OK');
    expect(one.lines).toEqual(['/bank.Bank/Out 01 action', '/bank.Bank/In 02 action']);

    await register(bank, other.address);
    await registration.close();
    one.stop();
    // Go polls the registry
    await expect.poll(() => client.answer('Submit', saga()), POLL_OPTIONS).toBe('OK');
    await expect.poll(() => other.lines, POLL_OPTIONS).toContain('/bank.Bank/In 02 action');
  });

  it('a coordinator of this package is found by Go and calls a service that Go has registered', async () => {
    const driver = await driverOf();
    const [dtm, busi] = [freshName('dtm'), freshName('busi')];
    const { framework, registry, address, goAddress = address, partnerName = String } = worldOf();
    const partner = await startGoPartner({ framework, registry, name: partnerName(busi) });
    onTestFinished(() => partner.stop());
    await ownCoordinator(dtm);
    await Promise.all([untilFound(dtm, '/dtmgimp.Dtm/NewGid'), untilFound(busi, '/busi.Busi/TransInRevert')]);
    const begun = partner.lines().length;

    const url = (method: string): string => branchUrlOf(driver, address(busi), `/busi.Busi/${method}`);
    const branches = ['TransOut', 'TransIn'].map((method) => ({
      action: url(method),
      compensate: url(`${method}Revert`),
    }));
    const saga = { driver: worldOf().goDriver ?? driver.name, dtm: goAddress(dtm), registry, branches };
    const success = await runGoInitiator(saga);
    expect(success, success.output).toMatchObject({ exitCode: 0 });
    expect(partner.lines().slice(begun)).toEqual([
      `transfer out 30 cents from 1 gid=${success.gid} trans_type=saga branch_id=01 op=action`,
      `transfer in 30 cents to 2 gid=${success.gid} trans_type=saga branch_id=02 op=action`,
    ]);
    const failure = await runGoInitiator({ ...saga, amount: 777 });
    expect(failure, failure.output).toMatchObject({ exitCode: 1 });
    expect(partner.lines().at(-1)).toContain('revert transfer out 777 cents from 1');
  });
}
