import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../../services/dtm.mjs';
import { startEtcd, type EtcdServer } from '../../../services/etcd.mjs';
import { runGoCaller } from '../../../services/go-partner.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { keysInEtcd } from '../keys-in-etcd.js';
import { goWorldCases } from '../go-world.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('etcd', 'dtm', 'go-partner', 'go-partner-new');

/** The import of an application, for another process. */
const built = new URL('../../../../dist/driver/gozero/index.js', import.meta.url).href;

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

  it.each(['go-partner', 'go-partner-new'] as const)('registers services that go-zero finds: %s', async (build) => {
    const [bank, name] = [await GrpcParticipant.start(), freshName('busi')];
    bank.answer('busi.Busi/TransIn', REPLIES.success);
    const registration = await goZeroDriver().registerService(`${registry}/${name}`, bank.address);
    onTestFinished(() => registration.close());
    const call = await runGoCaller({ framework: 'gozero', registry, name, build });
    expect(call, call.output).toMatchObject({ exitCode: 0 });
    expect(bank.calls.map(({ method }) => method)).toEqual(['/busi.Busi/TransIn']);
  });

  it('writes what Go dtm writes', async () => {
    const [ours, theirs] = [freshName('ours'), freshName('theirs')];
    const dtm = await startDtm({
      env: {
        MICRO_SERVICE_DRIVER: 'dtm-driver-gozero',
        MICRO_SERVICE_TARGET: `${registry}/${theirs}`,
        MICRO_SERVICE_END_POINT: 'localhost:36790',
      },
    });
    onTestFinished(() => dtm.stop());
    const registration = await goZeroDriver().registerService(`${registry}/${ours}`, 'localhost:36790');
    onTestFinished(() => registration.close());
    const [own] = await keysInEtcd(etcd, `${ours}/`);
    const [go] = await keysInEtcd(etcd, `${theirs}/`);
    expect(own).toEqual({ key: `${ours}/${own?.lease}`, value: 'localhost:36790', lease: own?.lease, ttl: go?.ttl });
    expect(go?.key).toBe(`${theirs}/${go?.lease}`);
    expect(own?.lease).toMatch(/^\d{10,}$/);
  });

  it('a killed instance stays until its lease of ten seconds ends', async () => {
    const target = `${registry}/${freshName('killed')}`;
    const program = `
      import { goZeroDriver } from ${JSON.stringify(built)};
      await goZeroDriver().registerService(${JSON.stringify(target)}, '127.0.0.1:1');
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

  it('a deleted key is written again', async () => {
    const name = freshName('deleted');
    const registration = await goZeroDriver().registerService(`${registry}/${name}`, '127.0.0.1:1');
    onTestFinished(() => registration.close());
    const [{ key } = { key: '' }] = await keysInEtcd(etcd, `${name}/`);
    const body = JSON.stringify({ key: Buffer.from(key).toString('base64') });
    expect((await fetch(`${etcd.url}/v3/kv/deleterange`, { method: 'POST', body })).ok).toBe(true);
    await expect.poll(async () => (await keysInEtcd(etcd, `${name}/`)).length).toBe(1);
    await expect.poll(() => registration.problem).toBeUndefined();
  });
});
