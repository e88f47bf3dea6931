import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEtcd } from '../../../services/etcd.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { createAuthority } from '../../../support/certificates.js';
import { GrpcClient } from '../../../support/grpc-client.js';
import { GrpcParticipant } from '../../../support/grpc-participant.js';

const needed = requireOrSkip('etcd');

/* A file of its own: in a process the etcd of go-zero is reached in one way only. */
describe.skipIf(!needed.available)(needed.title('the driver of go-zero on an etcd that is closed to others'), () => {
  it('registers and finds services with a user, over TLS', async () => {
    const authority = createAuthority();
    const user = { user: 'bank', password: 'se:cr/et' };
    const etcd = await startEtcd({ auth: user, tls: authority.sign('IP:127.0.0.1') });
    onTestFinished(() => etcd.stop());
    const driver = goZeroDriver({ etcd: { ...user, tls: { ca: authority.ca } } });
    await driver.registerGrpcResolver();
    const bank = await GrpcParticipant.start();
    bank.answer('dtmgimp.Dtm/NewGid', {});
    const target = `etcd://${etcd.host}:${etcd.port}/bank`;
    const registration = await driver.registerService(target, bank.address);
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
    expect(await new GrpcClient(target).answer('NewGid')).toBe('OK');
    expect(bank.calls.length).toBe(1);
  });

  it('uses the user of the target, as Go does, and shows no password', async () => {
    const etcd = await startEtcd({ auth: { user: 'bank', password: 'secret' } });
    onTestFinished(() => etcd.stop());
    const target = (password: string): string => `etcd://${etcd.host}:${etcd.port}/bank?user=bank&password=${password}`;
    const registration = await goZeroDriver().registerService(target('secret'), '127.0.0.1:1');
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
    const refused = await goZeroDriver().registerService(target('wrong-secret'), '127.0.0.1:1');
    onTestFinished(() => refused.close());
    expect(refused.problem).toMatch(/cannot be registered: .*authentication failed/i);
    expect(refused.problem).not.toContain('wrong-secret');
  });

  it('is found without a login where it is open, and with one as soon as it is closed', async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const warnings: string[] = [];
    const record = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', record);
    onTestFinished(() => void process.off('warning', record));
    const target = `etcd://${etcd.host}:${etcd.port}/bank?user=root&password=secret`;
    const registration = await goZeroDriver().registerService(target, '127.0.0.1:1');
    onTestFinished(() => registration.close().catch(() => undefined));
    expect(registration.problem).toBeUndefined();
    await expect
      .poll(() => warnings)
      .toEqual([
        expect.stringMatching(/^etcd at \S+ has no access control, so the user "root" is not used; remove the user/),
      ]);

    const change = async (path: string, body: object): Promise<void> => {
      const response = await fetch(`${etcd.url}/v3/auth/${path}`, { method: 'POST', body: JSON.stringify(body) });
      expect(response.status).toBe(200);
    };
    await change('user/add', { name: 'root', password: 'secret' });
    await change('role/add', { name: 'root' });
    await change('user/grant', { user: 'root', role: 'root' });
    await change('enable', {});
    const later = await goZeroDriver().registerService(target, '127.0.0.1:2');
    onTestFinished(() => later.close().catch(() => undefined));
    expect(later.problem).toBeUndefined();
    await expect.poll(() => registration.problem).toBeUndefined();
  });
});
