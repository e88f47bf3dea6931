import { afterAll, beforeAll, describe } from 'vitest';
import { startPolaris, type PolarisServer } from '../../services/polaris.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { polarisFixture } from './fixtures/polaris-fixture.js';
import { driverContract } from './driver-contract.js';

const polaris = requireOrSkip('polaris');

describe.skipIf(!polaris.available)(polaris.title('Polaris'), () => {
  let server: PolarisServer;
  beforeAll(async () => {
    server = await startPolaris();
  });
  afterAll(() => server?.stop());

  driverContract('Polaris', () => polarisFixture(server));
});
