import { afterAll, beforeAll, describe } from 'vitest';
import { startNacos, type NacosServer } from '../../services/nacos.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { springNacosBed } from './beds/spring-nacos-bed.js';
import { driverContract } from './driver-contract.js';

const nacos = requireOrSkip('nacos');

describe.skipIf(!nacos.available)(nacos.title('Nacos'), () => {
  let server: NacosServer;
  beforeAll(async () => {
    server = await startNacos();
  });
  afterAll(() => server?.stop());

  driverContract('Spring Cloud on Nacos', () => springNacosBed(server));
});
