import { describe, expect } from 'vitest';
import { startEureka } from '../../services/eureka.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { askJson } from './json.js';
import { testLifecycle } from './lifecycle-test.js';

const eureka = requireOrSkip('eureka');

const BANK = {
  instanceId: 'bank:9',
  app: 'BANK',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: { $: 9, '@enabled': 'true' },
  vipAddress: 'bank',
  status: 'UP',
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
};

describe.skipIf(!eureka.available)(eureka.title('Eureka'), () => {
  testLifecycle({
    start: startEureka,
    ports: ({ port }) => [port],
    ask: async ({ url }) => {
      const bank = `${url}/apps/BANK`;
      expect(await askJson(bank)).toMatchObject({ status: 404 }); // no registration survives a restart
      expect(await askJson(bank, { instance: BANK })).toMatchObject({ status: 204 });
      const application = { name: 'BANK', instance: [{ instanceId: 'bank:9', status: 'UP' }] };
      expect(await askJson(bank)).toMatchObject({ status: 200, body: { application } });
    },
  });
});
