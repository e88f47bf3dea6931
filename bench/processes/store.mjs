import { sqliteStore } from 'nestjs-dtm/server';
import { median } from '../support/statistics.mjs';
import { serve } from '../support/worker.mjs';

const start = Date.now();
const hour = 3600 * 1000;

/** @type {ReturnType<typeof sqliteStore>} */
let store;

const handlers = {
  /**
   * Fills a store with sagas of two steps. Of unfinished sagas, 64 are due now and the others in about an hour.
   *
   * @param {string} path
   * @param {number} count
   * @param {'succeed' | 'submitted'} status
   */
  fill: async (path, count, status) => {
    store = sqliteStore({ path });
    await store.open();
    for (let first = 0; first < count; first += 1000) {
      const batch = Array.from({ length: Math.min(1000, count - first) }, (_, index) => first + index);
      await Promise.all(batch.map((number) => store.create(details(number, status))));
    }
    if (status === 'succeed') await store.close();
  },
  /**
   * Measures claims without due transactions and with 64 of them.
   *
   * @returns {Promise<{ none: number, some: number }>} medians in milliseconds
   */
  claim: async () => {
    const none = [];
    const some = [];
    for (let round = 0; round < 100; round++) {
      none.push(await timed(() => store.claim(start - 1, 'bench', () => start, 64)));
      // the leases expire at once, so that the next round claims the same transactions
      some.push(await timed(() => store.claim(start, 'bench', () => start, 64)));
    }
    await store.close();
    return { none: median(none), some: median(some) };
  },
};

/** @typedef {typeof handlers} StoreProcess */

serve(handlers);

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/**
 * @param {number} number
 * @param {'succeed' | 'submitted'} status
 * @returns {Parameters<typeof store.create>[0]}
 */
function details(number, status) {
  const payload = '{"amount":30}';
  const branches = ['01', '02'].flatMap((branchId) =>
    /** @type {const} */ (['compensate', 'action']).map((op) => ({
      branchId,
      op,
      url: `http://127.0.0.1:3000/bank/${op}`,
      payload,
      status: /** @type {const} */ ('prepared'),
    })),
  );
  return {
    transaction: {
      // unordered, like real gids
      gid: `${((number * 7919) % 1_000_003).toString(36)}-${number.toString(36).padStart(16, '0')}`,
      transType: 'saga',
      status,
      protocol: 'http',
      options: { waitResult: true },
      createTime: start,
      updateTime: start,
      nextCronInterval: 10,
      nextCronTime: number < 64 ? start : start + hour + (number % 1000),
    },
    branches,
  };
}
