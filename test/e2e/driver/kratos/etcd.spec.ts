import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startEtcd, type EtcdServer } from '../../../services/etcd.mjs';
import { runGoCaller } from '../../../services/go-partner.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { goWorldCases } from '../go-world.js';
import { keysInEtcd } from '../keys-in-etcd.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('etcd', 'dtm', 'go-partner', 'go-partner-new');

describe.skipIf(!needed.available)(needed.title('the driver of kratos on etcd'), () => {
  let etcd: EtcdServer;
  let registry: string;
  beforeAll(async () => {
    etcd = await startEtcd();
    registry = `etcd://${etcd.host}:${etcd.port}`;
  });
  afterAll(() => etcd?.stop());

  goWorldCases(() => ({
    framework: 'kratos',
    registry,
    driver: () => kratosDriver({ registry }),
    registration: (service, address) => ({ target: `${registry}/${service}`, endpoint: `grpc://${address}` }),
    address: (service) => `discovery:///${service}`,
  }));

  it.each(['go-partner', 'go-partner-new'] as const)('registers services that kratos finds: %s', async (build) => {
    const [bank, name] = [await GrpcParticipant.start(), freshName('busi')];
    bank.answer('busi.Busi/TransIn', REPLIES.success);
    const registration = await kratosDriver().registerService(`${registry}/${name}`, `grpc://${bank.address}`);
    onTestFinished(() => registration.close());
    const call = await runGoCaller({ framework: 'kratos', registry, name, build });
    expect(call, call.output).toMatchObject({ exitCode: 0 });
    expect(bank.calls.map(({ method }) => method)).toEqual(['/busi.Busi/TransIn']);
  });

  it('writes what Go dtm writes, with an id of its own', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const endpoint = 'grpc://localhost:36790,http://localhost:36789';
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

    const [go] = await keysInEtcd(etcd, `/microservices/${theirs}`);
    expect(go?.key).toBe(`/microservices/${theirs}/`);
    const [own] = await keysInEtcd(etcd, `/microservices/${ours}`);
    const id = own?.key.slice(`/microservices/${ours}/`.length);
    expect(id).toMatch(/^[\da-f-]{36}$/);
    expect(own?.ttl).toBe(go?.ttl);
    expect(own?.value).toBe(go?.value.replace('"id":""', `"id":"${id}"`).replace(theirs, ours));
  });

  it('registers two coordinators of one name', async () => {
    const name = freshName('dtm');
    for (const port of [1, 2]) {
      const registration = await kratosDriver().registerService(`${registry}/${name}`, `grpc://127.0.0.1:${port}`);
      onTestFinished(() => registration.close());
    }
    expect(await keysInEtcd(etcd, `/microservices/${name}/`)).toHaveLength(2);
  });

  it('deregisters', async () => {
    const name = freshName('gone');
    const registration = await kratosDriver().registerService(`${registry}/${name}`, 'grpc://127.0.0.1:1');
    expect(await keysInEtcd(etcd, `/microservices/${name}/`)).toHaveLength(1);
    await registration.close();
    expect(await keysInEtcd(etcd, `/microservices/${name}/`)).toEqual([]);
  });
});

describe.skipIf(!needed.available)(needed.title('the driver of kratos on an etcd that is closed to others'), () => {
  it.each(['options', 'target'])('uses the user of the %s, and shows no password', async (where) => {
    const user = { user: 'bank', password: 'secret' };
    const etcd = await startEtcd({ auth: user });
    onTestFinished(() => etcd.stop());
    const register = async (password: string): Promise<string | undefined> => {
      const target = `etcd://${where === 'target' ? `bank:${password}@` : ''}${etcd.host}:${etcd.port}/bank`;
      const driver = kratosDriver(where === 'target' ? {} : { etcd: { user: 'bank', password } });
      const registration = await driver.registerService(target, 'grpc://127.0.0.1:1');
      onTestFinished(() => registration.close());
      return registration.problem;
    };
    expect(await register('secret')).toBeUndefined();
    const problem = await register('wrong-secret');
    expect(problem).toMatch(/cannot be registered: .*authentication failed/i);
    expect(problem).not.toContain('wrong-secret');
  });
});
