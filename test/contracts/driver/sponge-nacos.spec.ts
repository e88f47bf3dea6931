import { afterAll, beforeAll, describe } from 'vitest';
import { startNacos, type NacosServer } from '../../services/nacos.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { spongeNacosFixture } from './fixtures/sponge-nacos-fixture.js';
import { driverContract } from './driver-contract.js';

const nacos = requireOrSkip('nacos');

describe.skipIf(!nacos.available)(nacos.title('nacos'), () => {
  let server: NacosServer;
  beforeAll(async () => {
    server = await startNacos();
  });
  afterAll(() => server?.stop());

  driverContract('sponge on nacos', () => spongeNacosFixture(server));
});
