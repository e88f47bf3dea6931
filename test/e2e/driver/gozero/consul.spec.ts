import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConsulAddresses } from '../../../../lib/driver/gozero/consul-addresses.js';
import { startConsul, type ConsulServer } from '../../../services/consul.mjs';
import { startDtm } from '../../../services/dtm.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { firstFound } from '../../../support/first-found.js';
import { GrpcClient } from '../../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { goWorldCases } from '../go-world.js';
import { checksInConsul, servicesInConsul } from '../services-in-consul.js';
import { freshName } from '../../../support/fresh-name.js';

const needed = requireOrSkip('consul', 'dtm', 'go-partner');

/** The import of an application, for another process. */
const built = new URL('../../../../dist/driver/gozero/index.js', import.meta.url).href;

describe.skipIf(!needed.available)(needed.title('the driver of go-zero on consul'), () => {
  let consul: ConsulServer;
  let registry: string;
  beforeAll(async () => {
    consul = await startConsul();
    registry = `consul://${consul.host}:${consul.port}`;
  });
  afterAll(() => consul?.stop());

  goWorldCases(() => ({
    framework: 'gozero',
    registry,
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: `${registry}/${service}`, endpoint }),
    address: (service) => `${registry}/${service}`,
  }));

  it('registers with a token and a user that an open Consul does not need', async () => {
    const service = freshName('open');
    const driver = goZeroDriver({ consul: { user: 'bank', password: 'secret' } });
    const registration = await driver.registerService(`${registry}/${service}?token=needless`, '127.0.0.1:1');
    onTestFinished(() => registration.close());
    expect(registration.problem).toBeUndefined();
    expect(await servicesInConsul(consul, service)).toHaveLength(1);
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
    const seen = async (service: string): Promise<string> =>
      JSON.stringify([await servicesInConsul(consul, service), await checksInConsul(consul, service)]);
    expect((await seen(ours)).replaceAll(ours, 'bank')).toBe((await seen(theirs)).replaceAll(theirs, 'bank'));
  });

  it('registers again after a restart of the agent, and deregisters at the close', async () => {
    const name = freshName('bank');
    const registration = await goZeroDriver().registerService(`${registry}/${name}`, '127.0.0.1:1');
    expect(await servicesInConsul(consul, name)).toHaveLength(1);
    await consul.kill();
    await expect.poll(() => registration.problem).toMatch(/is no longer registered|cannot be registered/);
    await consul.restart();
    await expect.poll(() => servicesInConsul(consul, name)).toHaveLength(1);
    await expect.poll(() => registration.problem).toBeUndefined();
    await registration.close();
    expect(await servicesInConsul(consul, name)).toEqual([]);
  });

  it('calls that began before a restart of the agent find their service after it', async () => {
    const [bank, name] = [await GrpcParticipant.start(), freshName('bank')];
    bank.answer('dtmgimp.Dtm/NewGid', REPLIES.success);
    const driver = goZeroDriver();
    onTestFinished(() => driver.close?.());
    await driver.registerGrpcResolver();
    const registration = await driver.registerService(`${registry}/${name}`, bank.address);
    onTestFinished(() => registration.close());
    const client = new GrpcClient(`${registry}/${name}`);
    await expect.poll(() => client.answer('NewGid')).toBe('OK');
    await consul.kill();
    await consul.restart();
    let calls = 0;
    // the agent has received no report yet: known addresses stay in use
    while ((await servicesInConsul(consul, name)).length === 0) {
      expect(await client.answer('NewGid')).toBe('OK');
      calls += 1;
    }
    expect(calls).toBeGreaterThan(0);
    expect(await client.answer('NewGid')).toBe('OK');
  });

  it('finds healthy instances, and all instances with healthy=false', async () => {
    const [bank, name] = [await GrpcParticipant.start(), freshName('bank')];
    bank.answer('dtmgimp.Dtm/NewGid', REPLIES.success);
    const driver = goZeroDriver();
    onTestFinished(() => driver.close?.());
    await driver.registerGrpcResolver();
    const Port = Number(bank.address.split(':')[1]);
    const service = {
      Name: name,
      Address: '127.0.0.1',
      Port,
      Tags: ['blue'],
      Check: { TTL: '60s', Status: 'critical' },
    };
    const body = JSON.stringify(service);
    expect((await fetch(`${consul.url}/v1/agent/service/register`, { method: 'PUT', body })).ok).toBe(true);
    const ask = (query: string): Promise<string> => new GrpcClient(`${registry}/${name}${query}`).answer('NewGid');
    expect(await ask('?healthy=false')).toBe('OK');
    expect(await ask('?healthy=false&tag=blue&near=_agent&limit=1&allow-stale=true')).toBe('OK');
    for (const query of ['', '?healthy=true', '?healthy=false&tag=green']) {
      expect(await firstFound(new ConsulAddresses(), `${registry}/${name}${query}`), query).toEqual([]);
    }
    expect(await ask('?healthy=false&dc=elsewhere')).toContain('No path to datacenter');
  });

  it('does not keep the process of a watch alive', async () => {
    const program = `
      import * as grpc from '@grpc/grpc-js';
      import { goZeroDriver } from ${JSON.stringify(built)};
      await goZeroDriver().registerGrpcResolver();
      const client = new grpc.Client(${JSON.stringify(`${registry}/consul`)}, grpc.credentials.createInsecure());
      client.getChannel().getConnectivityState(true);
      setTimeout(() => console.log('idle'), 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });
});
