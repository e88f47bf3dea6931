import * as grpc from '@grpc/grpc-js';
import { egoDriver } from 'nestjs-dtm/driver/ego';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasOpenssl } from '../../../support/certificates.js';
import { GrpcParticipant } from '../../../support/grpc-participant.js';
import { ApiServer } from './api-server.js';

// in its own file, because go-zero has the same scheme
describe.skipIf(!hasOpenssl())('services of ego in Kubernetes, on a recorded conversation with its API server', () => {
  it('are called by name in all namespaces of the target, and nothing is written', async () => {
    const server = await ApiServer.start();
    const participant = await GrpcParticipant.start();
    participant.answer('bank.Bank/In', {});
    const port = Number(participant.address.split(':')[1]);
    server.set('one/bank', [[], 1]);
    server.set('other/bank', [['127.0.0.1'], 1]);
    const driver = egoDriver({ k8s: server });
    onTestFinished(() => driver.close?.());
    const registration = await driver.registerService('k8s://dtmservice:36790/?namespaces=one,other', 'h:1');
    expect(registration.problem).toBeUndefined();
    await driver.registerGrpcResolver();

    const client = new grpc.Client(`k8s:///bank:${port}`, grpc.credentials.createInsecure());
    onTestFinished(() => client.close());
    const bytes = (value: Buffer): Buffer => value;
    await new Promise<void>((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      client.makeUnaryRequest('/bank.Bank/In', bytes, bytes, Buffer.alloc(0), { deadline }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    expect(participant.calls).toHaveLength(1);
    expect(server.asked.filter(({ path }) => !/\/(one|other)\/endpoints$/.test(path))).toEqual([]);
    expect(driver.parseServerMethod(`k8s:///bank:${port}/bank.Bank/In`).server).toBe(`k8s:///bank:${port}`);
    expect(() => driver.parseServerMethod('k8s:///bank/bank.Bank/In')).toThrow(/k8s:\/\/\/service:port/);
    expect(() => driver.parseServerMethod(`k8s://one/bank:${port}/bank.Bank/In`)).toThrow(/three slashes/);
  });
});
