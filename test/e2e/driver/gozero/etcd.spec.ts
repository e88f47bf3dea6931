import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startEtcd, type EtcdServer } from '../../../services/etcd.mjs';
import { runGoCaller } from '../../../services/go-partner.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { makeAuthority } from '../../../support/certificates.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { keysInEtcd } from '../keys-in-etcd.js';
import { goWorldCases } from '../go-world.js';

const needed = requireOrSkip('etcd', 'dtm', 'go-partner', 'go-partner-new');

/** As an application imports it, which is another process here. */
const built = new URL('../../../../dist/driver/gozero/index.js', import.meta.url).href;

const nameOf = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;

describe.skipIf(!needed.available)(needed.title('the driver of go-zero on etcd'), () => {
  let etcd: EtcdServer;
  let registry: string;
  beforeAll(async () => {
    etcd = await startEtcd();
    registry = `etcd://${etcd.host}:${etcd.port}`;
  });
  afterAll(() => etcd?.stop());

  goWorldCases(() => ({
    framework: 'gozero',
    registry,
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: `${registry}/${service}`, endpoint }),
    address: (service) => `${registry}/${service}`,
  }));

  it.each(['go-partner', 'go-partner-new'] as const)('its services are found by go-zero: %s', async (build) => {
    const [bank, name] = [await GrpcParticipant.start(), nameOf('busi')];
    bank.answer('busi.Busi/TransIn', REPLIES.success);
    const registration = await goZeroDriver().registerGrpcService(`${registry}/${name}`, bank.address);
    onTestFinished(() => registration.close());
    const call = await runGoCaller({ framework: 'gozero', registry, name, build });
    expect(call, call.output).toMatchObject({ exitCode: 0 });
    expect(bank.calls.map(({ method }) => method)).toEqual(['/busi.Busi/TransIn']);
  });

  it('what it writes is what Go dtm writes', async () => {
    const [ours, theirs] = [nameOf('ours'), nameOf('theirs')];
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-gozero',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: 'localhost:36790',
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await goZeroDriver().registerGrpcService(`${registry}/${ours}`, 'localhost:36790');
    onTestFinished(() => registration.close());
    const [own] = await keysInEtcd(etcd, `${ours}/`);
    const [go] = await keysInEtcd(etcd, `${theirs}/`);
    expect(own).toEqual({ key: `${ours}/${own?.lease}`, value: 'localhost:36790', lease: own?.lease, ttl: go?.ttl });
    expect(go?.key).toBe(`${theirs}/${go?.lease}`);
    expect(own?.lease).toMatch(/^\d{10,}$/);
  });

  it('an instance that is killed is forgotten when its lease of ten seconds is over', async () => {
    const target = `${registry}/${nameOf('killed')}`;
    const program = `
      import { goZeroDriver } from ${JSON.stringify(built)};
      await goZeroDriver().registerGrpcService(${JSON.stringify(target)}, '127.0.0.1:1');
      process.send('registered');
    `;
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: [...stdio] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    const prefix = `${target.slice(registry.length + 1)}/`;
    expect(await keysInEtcd(etcd, prefix)).toMatchObject([{ value: '127.0.0.1:1', ttl: 10 }]);
    child.kill('SIGKILL');
    await expect.poll(() => keysInEtcd(etcd, prefix), { timeout: 60_000 }).toEqual([]);
  });

  it('an entry that somebody deletes is made again', async () => {
    const name = nameOf('deleted');
    const registration = await goZeroDriver().registerGrpcService(`${registry}/${name}`, '127.0.0.1:1');
    onTestFinished(() => registration.close());
    const [{ key } = { key: '' }] = await keysInEtcd(etcd, `${name}/`);
    const body = JSON.stringify({ key: Buffer.from(key).toString('base64') });
    expect((await fetch(`${etcd.url}/v3/kv/deleterange`, { method: 'POST', body })).ok).toBe(true);
    await expect.poll(async () => (await keysInEtcd(etcd, `${name}/`)).length).toBe(1);
    expect(registration.problem).toBeUndefined();
  });
});

const secured = requireOrSkip('etcd');

describe.skipIf(!secured.available)(secured.title('the driver of go-zero on an etcd that is closed to others'), () => {
  it('registers and finds services with a user, over TLS', async () => {
    const authority = makeAuthority();
    const user = { user: 'bank', password: 'se:cr/et' };
    const etcd = await startEtcd({ auth: user, tls: authority.sign('IP:127.0.0.1') });
    onTestFinished(() => etcd.stop());
    const driver = goZeroDriver({ etcd: { ...user, tls: { ca: authority.ca } } });
    const registration = await driver.registerGrpcService(`etcd://${etcd.host}:${etcd.port}/bank`, '127.0.0.1:1');
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
  });

  it('takes the user from the target, as Go does, and shows no password', async () => {
    const user = { user: 'bank', password: 'secret' };
    const etcd = await startEtcd({ auth: user });
    onTestFinished(() => etcd.stop());
    const target = (password: string): string => `etcd://${etcd.host}:${etcd.port}/bank?user=bank&password=${password}`;
    const registration = await goZeroDriver().registerGrpcService(target('secret'), '127.0.0.1:1');
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
    const refused = await goZeroDriver().registerGrpcService(target('wrong-secret'), '127.0.0.1:1');
    onTestFinished(() => refused.close());
    expect(refused.problem).toMatch(/cannot be registered: .*authentication failed/i);
    expect(refused.problem).not.toContain('wrong-secret');
  });
});
