import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startConsul, type ConsulServer } from '../../../services/consul.mjs';
import { startDtm } from '../../../services/dtm.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcParticipant } from '../../../support/grpc-participant.js';
import { goWorldCases } from '../go-world.js';
import { checksInConsul, servicesInConsul } from '../services-in-consul.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('consul', 'dtm', 'go-partner');

describe.skipIf(!needed.available)(needed.title('the driver of sponge on consul'), () => {
  let consul: ConsulServer;
  let registry: string;
  beforeAll(async () => {
    consul = await startConsul();
    registry = `consul://${consul.host}:${consul.port}`;
  });
  afterAll(() => consul?.stop());

  // entries of kratos and sponge differ only in their checks
  goWorldCases(() => ({
    framework: 'kratos',
    goDriver: 'dtm-driver-kratos',
    registry,
    driver: () => spongeDriver({ registry }),
    registration: (service, address) => ({ target: `${registry}/${service}`, endpoint: `grpc://${address}` }),
    address: (service) => `discovery:///${service}`,
  }));

  it('writes what Go dtm writes', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const bank = await GrpcParticipant.start();
    const endpoint = `grpc://${bank.address}`;
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-sponge',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: endpoint,
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await spongeDriver().registerService(`${registry}/${ours}`, endpoint);
    onTestFinished(() => registration.close());
    const seen = async (service: string): Promise<string> =>
      JSON.stringify([await servicesInConsul(consul, service), await checksInConsul(consul, service)]);
    expect((await seen(ours)).replaceAll(ours, 'bank')).toBe((await seen(theirs)).replaceAll(theirs, 'bank'));
  });

  it('registers again when the agent has lost it, although it has no TTL check', async () => {
    const name = freshName('bank');
    const registration = await spongeDriver().registerService(`${registry}/${name}`, 'grpc://127.0.0.1:1');
    const [{ ID }] = (await servicesInConsul(consul, name)) as [{ ID: string }];
    expect(ID).toBe(`${name}_grpc_127.0.0.1_1`);
    await fetch(`${consul.url}/v1/agent/service/deregister/${ID}`, { method: 'PUT' });
    expect(await servicesInConsul(consul, name)).toEqual([]);
    await expect.poll(() => servicesInConsul(consul, name)).toMatchObject([{ ID }]);
    await registration.close();
    expect(await servicesInConsul(consul, name)).toEqual([]);
  });

  it('uses the token of the target, as Go does', async () => {
    const closed = await startConsul({ token: 'secret-token' });
    onTestFinished(() => closed.stop());
    const register = async (token: string): Promise<string | undefined> => {
      const target = `consul://${closed.host}:${closed.port}/bank?token=${token}`;
      const registration = await spongeDriver().registerService(target, 'grpc://127.0.0.1:1');
      onTestFinished(() => registration.close());
      return registration.problem;
    };
    expect(await register('secret-token')).toBeUndefined();
    expect(await register('wrong-token')).toMatch(/cannot be registered: answered 403(?!.*wrong-token)/);
  });
});
