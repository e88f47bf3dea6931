import { afterAll, beforeAll, describe } from 'vitest';
import { startEureka, type EurekaServer } from '../../services/eureka.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { springEurekaFixture } from './fixtures/spring-eureka-fixture.js';
import { driverContract } from './driver-contract.js';

const eureka = requireOrSkip('eureka');

describe.skipIf(!eureka.available)(eureka.title('Eureka'), () => {
  let server: EurekaServer;
  beforeAll(async () => {
    server = await startEureka();
  });
  afterAll(() => server?.stop());

  driverContract('Spring Cloud on Eureka', () => springEurekaFixture(server));
});
