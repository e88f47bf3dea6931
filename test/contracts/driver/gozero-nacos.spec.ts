import { afterAll, beforeAll, describe } from 'vitest';
import { startNacos, type NacosServer } from '../../services/nacos.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { goZeroNacosBed } from './beds/gozero-nacos-bed.js';
import { driverContract } from './driver-contract.js';

const nacos = requireOrSkip('nacos');

describe.skipIf(!nacos.available)(nacos.title('Nacos'), () => {
  let server: NacosServer;
  beforeAll(async () => {
    server = await startNacos();
  });
  afterAll(() => server?.stop());

  driverContract('go-zero on Nacos', () => goZeroNacosBed(server));
});
