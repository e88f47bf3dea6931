import { afterAll, beforeAll, describe } from 'vitest';
import { startEtcd, type EtcdServer } from '../../services/etcd.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { kratosEtcdFixture } from './fixtures/kratos-etcd-fixture.js';
import { driverContract } from './driver-contract.js';

const etcd = requireOrSkip('etcd');

describe.skipIf(!etcd.available)(etcd.title('etcd'), () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server?.stop());

  driverContract('kratos on etcd', () => kratosEtcdFixture(server));
});
