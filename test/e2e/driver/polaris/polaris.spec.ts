import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type GrpcOptions, type MicroserviceOptions } from '@nestjs/microservices';
import { BranchPayload, DtmModule, DtmService, SagaBranch } from 'nestjs-dtm';
import { branchUrlOf } from 'nestjs-dtm/driver';
import { acceptEmptyAuthority, polarisDriver } from 'nestjs-dtm/driver/polaris';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PolarisAddresses } from '../../../../lib/driver/polaris/polaris-addresses.js';
import { parseHostPort } from '../../../../lib/support/host-port.js';
import { startDtm } from '../../../services/dtm.mjs';
import { freePorts } from '../../../services/free-ports.mjs';
import { startPolaris, type PolarisServer } from '../../../services/polaris.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { goWorldCases } from '../go-world.js';
import { freshName } from '../../../support/fresh-name.js';

const amounts: number[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoTransOut' })
  transOut(@BranchPayload() { amount }: { readonly amount: number }) {
    amounts.push(amount);
  }

  undoTransOut(@BranchPayload() { amount }: { readonly amount: number }) {
    amounts.push(-amount);
  }
}

const needed = requireOrSkip('polaris', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of Polaris'), () => {
  let polaris: PolarisServer;
  let servers: readonly string[];
  let files: Readonly<Record<string, string>>;
  beforeAll(async () => {
    polaris = await startPolaris();
    servers = [`${polaris.host}:${polaris.grpcPort}`];
    files = { 'polaris.yaml': JSON.stringify({ global: { serverConnector: { addresses: servers } } }) };
  });
  afterAll(() => polaris?.stop());

  const target = (service: string, address: string): string => `polaris://${address}/${service}?namespace=default`;

  goWorldCases(() => ({
    framework: 'polaris',
    registry: `polaris://${servers[0]}`,
    driver: () => polarisDriver({ servers }),
    registration: (service, address) => ({ target: target(service, address), endpoint: '' }),
    address: (service) => `polaris://${service}/?namespace=default`,
    goAddress: (service) => `polaris://${service}/?options=eyJOYW1lc3BhY2UiOiJkZWZhdWx0In0=`,
    prepare: (server) => server.acceptEmptyAuthority(),
    files,
  }));

  it.each([
    ['dtmGrpcOptions', (url: string) => dtmGrpcOptions([BankController], { url })],
    [
      "Nest's own options and one line",
      (url: string): GrpcOptions => {
        const { package: packages, packageDefinition } = dtmGrpcOptions([BankController]).options;
        const onLoadPackageDefinition = (_: unknown, server: object): void => acceptEmptyAuthority(server);
        return {
          transport: Transport.GRPC,
          options: { url, package: packages, packageDefinition, onLoadPackageDefinition },
        };
      },
    ],
  ])('Go dtm calls a Nest application on its one port: with %s', async (_, optionsOf) => {
    const [dtm, bank] = [freshName('dtm'), freshName('bank')];
    const [port] = (await freePorts(1)) as [number];
    const address = `127.0.0.1:${port}`;
    const driver = polarisDriver({ servers });
    const of = (service: string): string => `polaris://${service}?namespace=default`;
    @Module({
      imports: [
        DtmModule.forRoot({ driver, server: of(dtm), register: { target: target(bank, address), endpoint: '' } }),
      ],
      controllers: [BankController],
    })
    class BankModule {}
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(BankModule, {
      ...optionsOf(address),
      logger: false,
    });
    onTestFinished(() => app.close());
    await app.listen();
    const goDtm = await startDtm({
      files,
      env: ({ grpcPort }) => ({
        MICRO_SERVICE_DRIVER: driver.name,
        MICRO_SERVICE_TARGET: target(dtm, `127.0.0.1:${grpcPort}`),
        MICRO_SERVICE_END_POINT: 'token',
      }),
    });
    onTestFinished(() => goDtm.stop());
    await expect.poll(() => instances(bank)).toMatchObject([{ port, healthy: true }]);

    const url = (method: string): string => branchUrlOf(driver, of(bank), `/nestjsdtm.Bank/${method}`);
    await app
      .get(DtmService)
      .saga()
      .add({ action: url('TransOut'), compensate: url('UndoTransOut') }, { amount: 30 })
      .submit({ waitResult: true });
    expect(amounts.splice(0)).toEqual([30]);
  });

  /** Removes what differs between services and runs. */
  const ITS_OWN = { id: '', ctime: '', mtime: '', revision: '', service: '', service_token: '' };

  interface Instance {
    readonly id: string;
    readonly [field: string]: unknown;
  }

  async function instances(service: string): Promise<readonly Instance[]> {
    const answer = await fetch(`${polaris.url}/naming/v1/instances?namespace=default&service=${service}`);
    return ((await answer.json()) as { instances: readonly Instance[] }).instances;
  }

  it('writes what Go dtm writes', async () => {
    const name = (): string => freshName('dtm');
    const [byGo, byUs] = [name(), name()];
    const dtm = await startDtm({
      files,
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-polaris',
        MICRO_SERVICE_TARGET: target(byGo, '127.0.0.1:36790'),
        MICRO_SERVICE_END_POINT: 'token',
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await polarisDriver({ servers }).registerService(target(byUs, '127.0.0.1:36790'), 'token');
    const seen = async (service: string): Promise<unknown> =>
      (await instances(service)).map((instance) => ({ ...instance, ...ITS_OWN }));
    await expect.poll(() => seen(byGo)).toMatchObject([{ host: '127.0.0.1', port: 36790, healthy: true }]);
    await expect.poll(async () => JSON.stringify(await seen(byUs))).toBe(JSON.stringify(await seen(byGo)));
    expect(await seen(byUs)).toMatchObject([{ healthCheck: { type: 'HEARTBEAT', heartbeat: { ttl: 5 } } }]);
    await registration.close();
    await expect.poll(() => instances(byUs)).toEqual([]);
  });

  it('registers an instance again that was deregistered from outside', async () => {
    const service = freshName('bank');
    const problems: (string | undefined)[] = [];
    const registration = await polarisDriver({ servers }).registerService(target(service, '127.0.0.1:9'), '', {
      report: (problem) => problems.push(problem),
    });
    onTestFinished(() => registration.close());
    await expect.poll(() => instances(service)).toMatchObject([{ healthy: true }]);
    // long enough for the watch to see the instance
    const body = JSON.stringify({ id: (await instances(service))[0]!.id });
    await expect
      .poll(
        async () => {
          const headers = { 'content-type': 'application/json' };
          await fetch(`${polaris.url}/v1/DeregisterInstance`, { method: 'POST', headers, body });
          return problems.length;
        },
        { timeout: 30_000, interval: 3000 },
      )
      .toBeGreaterThan(2);
    expect(problems[1]).toContain('is no longer registered');
    await expect.poll(() => instances(service), { timeout: 30_000 }).toMatchObject([{ healthy: true }]);
    await expect.poll(() => registration.problem).toBeUndefined();
  });

  it('finds instances of other namespaces only there', async () => {
    const service = freshName('bank');
    const driver = polarisDriver({ servers });
    const registration = await driver.registerService(`polaris://127.0.0.1:9/${service}?namespace=Test`, '');
    onTestFinished(() => registration.close());
    expect(await instances(service)).toEqual([]);
    const answer = await fetch(`${polaris.url}/naming/v1/instances?namespace=Test&service=${service}`);
    expect(await answer.json()).toMatchObject({ instances: [{ namespace: 'Test', port: 9 }] });
  });

  it('finds healthy instances that are not isolated and have a weight; unhealthy ones when none is healthy', async () => {
    const service = freshName('bank');
    const at = { service, namespace: 'default', host: '10.0.0.1' };
    const send = async (call: string, instance: object): Promise<void> => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ ...at, ...instance });
      const answer = await fetch(`${polaris.url}/v1/${call}`, { method: 'POST', headers, body });
      expect(await answer.json()).toMatchObject({ code: 200_000 });
    };
    await send('RegisterInstance', { port: 1, healthy: true });
    await send('RegisterInstance', { port: 2, healthy: true, isolate: true });
    await send('RegisterInstance', { port: 3, healthy: true, weight: 0 });
    await send('RegisterInstance', { port: 4, healthy: false });
    const heard: string[] = [];
    const addresses = new PolarisAddresses(() => servers.flatMap((server) => parseHostPort(server) ?? []));
    const watch = addresses.parse({ scheme: 'polaris', authority: service, path: '' });
    const stop = watch({
      found: (found) => heard.push(found.map(({ port }) => port).join()),
      failed: (reason) => heard.push(reason),
    });
    onTestFinished(stop);
    await expect.poll(() => heard.at(-1)).toBe('1');
    await send('DeregisterInstance', { port: 1 });
    await expect.poll(() => heard.at(-1)).toBe('4');
    await send('DeregisterInstance', { port: 4 });
    await expect.poll(() => heard.at(-1)).toBe('');
  });
});
