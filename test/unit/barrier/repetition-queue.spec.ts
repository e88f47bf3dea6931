import { BranchBarrier, isMessageCommitted } from 'nestjs-dtm/barrier';
import { DtmOngoingError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { memoryAdapter } from './memory-adapter.js';

it('repetitions of a branch wait for each other without a transaction, up to a limit', async () => {
  let opened = 0;
  const free = deferred();
  const pool = { key: {}, connections: 10 };
  const { adapter } = memoryAdapter({ pool });
  const { transaction } = adapter;
  adapter.transaction = async (work) => {
    opened += 1;
    await free.promise;
    return transaction(work);
  };
  const call = () =>
    new BranchBarrier({ gid: 'g', transType: 'saga', branchId: '01', op: 'action' }).call(adapter, async () => 'did');
  const calls = Array.from({ length: 40 }, call);
  const refused = await Promise.allSettled(calls.slice(32));
  expect(refused.map((result) => (result as PromiseRejectedResult).reason)).toEqual(
    Array.from({ length: 8 }, () => expect.any(DtmOngoingError)),
  );
  expect(opened).toBe(1);
  free.resolve();
  expect(await Promise.all(calls.slice(0, 32))).toEqual(['did', ...Array.from({ length: 31 }, () => undefined)]);
  expect(opened).toBe(32);
  expect(await call()).toBeUndefined();
});

it('a question about a message waits for its local transaction without a transaction of its own', async () => {
  const inside = deferred();
  const { adapter } = memoryAdapter({ pool: { key: {}, connections: 10 } });
  const local = new BranchBarrier({ gid: 'm', transType: 'msg', branchId: '00', op: 'msg' });
  const committed = local.call(adapter, () => inside.promise);
  const answer = isMessageCommitted(adapter, 'm');
  inside.resolve();
  await committed;
  expect(await answer).toBe(true);
});
