import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startConsul, type ConsulServer } from '../../../services/consul.mjs';
import { requireOrSkip } from '../../../services/require-or-skip.mjs';
import { GrpcClient } from '../../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../../support/grpc-participant.js';
import { freshName } from '../../../support/fresh-name.js';

// in its own file, because gRPC keeps the options of the first driver of a process
const closed = requireOrSkip('consul');

describe.skipIf(!closed.available)(closed.title('the driver of go-zero on a consul that is closed to others'), () => {
  let consul: ConsulServer;
  beforeAll(async () => {
    consul = await startConsul({ token: 'secret-token' });
  });
  afterAll(() => consul?.stop());

  it.each(['options', 'query'])('uses the token of the %s, and does not show it', async (where) => {
    const [bank, name] = [await GrpcParticipant.start(), freshName('bank')];
    bank.answer('dtmgimp.Dtm/NewGid', REPLIES.success);
    const at = (token: string): string =>
      `consul://${consul.host}:${consul.port}/${name}${where === 'query' ? `?token=${token}` : ''}`;
    const register = async (token: string): Promise<string | undefined> => {
      const driver = goZeroDriver(where === 'query' ? {} : { consul: { token } });
      const registration = await driver.registerService(at(token), bank.address);
      onTestFinished(() => registration.close());
      return registration.problem;
    };
    const refused = await register('wrong-token');
    expect(refused).toMatch(/cannot be registered: answered 403/);
    expect(refused).not.toContain('wrong-token');
    expect(await register('secret-token')).toBeUndefined();

    const finder = goZeroDriver({ consul: { token: 'secret-token' } });
    onTestFinished(() => finder.close?.());
    await finder.registerGrpcResolver();
    await expect.poll(() => new GrpcClient(at('secret-token')).answer('NewGid')).toBe('OK');
    if (where === 'query') {
      // unlike Go dtm, the coordinator of this package uses the token of the URL
      const { server, method } = finder.parseServerMethod(`${at('secret-token')}/b.B/In`);
      expect([server, method]).toEqual([at('secret-token'), '/b.B/In']);
      expect(() => finder.branchUrl!(at('secret-token'), '/b.B/In')).toThrow(/Go dtm ignores/);
      const answer = await new GrpcClient(at('wrong-token')).answer('NewGid');
      expect(answer).toContain('answered 403');
      expect(answer).not.toContain('wrong-token');
    }
  });
});
