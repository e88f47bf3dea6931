import { describe, expect } from 'vitest';
import { startPolaris } from '../../services/polaris.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { askJson } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const polaris = requireOrSkip('polaris');

const BANK = { namespace: 'default', service: 'bank', host: '127.0.0.1', port: 9 };

describe.skipIf(!polaris.available)(polaris.title('Polaris'), () => {
  testLifecycle({
    start: startPolaris,
    ports: ({ httpPort, grpcPort }) => [httpPort, grpcPort],
    ask: async ({ url }) => {
      await askJson(`${url}/v1/RegisterInstance`, BANK);
      const list = `${url}/naming/v1/instances?namespace=default&service=bank`;
      await expect.poll(() => askJson(list)).toMatchObject({ status: 200, body: { instances: [BANK] } });
    },
  });
});
