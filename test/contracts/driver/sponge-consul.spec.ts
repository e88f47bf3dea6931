import { afterAll, beforeAll, describe } from 'vitest';
import { startConsul, type ConsulServer } from '../../services/consul.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { spongeConsulFixture } from './fixtures/sponge-consul-fixture.js';
import { driverContract } from './driver-contract.js';

const consul = requireOrSkip('consul');

describe.skipIf(!consul.available)(consul.title('consul'), () => {
  let server: ConsulServer;
  beforeAll(async () => {
    server = await startConsul();
  });
  afterAll(() => server?.stop());

  driverContract('sponge on consul', () => spongeConsulFixture(server));
});
