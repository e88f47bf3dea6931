import { memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import { createTransaction } from '../../../../lib/server/engine/create-transaction.js';
import { resolveSettings } from '../../../../lib/server/settings.js';
import { Waker } from '../../../../lib/server/execution/waker.js';
import { sagaRequest } from '../../../support/requests.js';
import { interceptStore } from '../../../support/intercepted-store.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

async function fixture(count: number) {
  const clock = new VirtualClock();
  let wakes = 0;
  let notifications = 0;
  const inner = memoryStore();
  const store = interceptStore(inner, (operation, call) => {
    if (operation === 'wake') wakes++;
    return call();
  });
  for (let index = 0; index < count; index++) {
    const details = createTransaction(
      sagaRequest(`g${index}`),
      'submitted',
      resolveSettings({}),
      clock.now(),
      () => [],
    );
    await store.create(details);
  }
  const waker = new Waker({ store, clock }, () => notifications++);
  const due = async (): Promise<number> =>
    (await inner.claim(clock.now(), 'me', () => clock.now() + 1, count + 1)).length;
  return { clock, store: inner, waker, due, counts: () => ({ wakes, notifications }) };
}

describe('wake()', () => {
  it('wakes all transactions in batches of five hundred, and notifies after each batch', async () => {
    const { waker, due, counts } = await fixture(1200);
    expect(await waker.wake({}, Infinity)).toEqual({ count: 1200, hasMore: false });
    expect(counts()).toEqual({ wakes: 3, notifications: 3 });
    expect(await due()).toBe(1200);
  });

  it('stops at the limit and reports that there may be more', async () => {
    const { waker, due } = await fixture(1200);
    expect(await waker.wake({}, 700)).toEqual({ count: 700, hasMore: true });
    expect(await due()).toBe(700);
  });

  it.each([0, -1])('wakes no transaction when the limit is %i', async (limit) => {
    const { waker, due, counts } = await fixture(3);
    expect((await waker.wake({}, limit)).count).toBe(0);
    expect([counts().wakes, await due()]).toEqual([0, 0]);
  });

  it('leaves the rest when it should not continue', async () => {
    const { waker, due } = await fixture(1200);
    let calls = 0;
    expect(await waker.wake({}, Infinity, () => ++calls <= 1)).toEqual({ count: 500, hasMore: true });
    expect(await due()).toBe(500);
  });

  it('wakes each transaction once, although the first wait again before the last are woken', async () => {
    const { clock, store, waker } = await fixture(1200);
    const woken = new Map<string, number>();
    const retryAgain = async (): Promise<void> => {
      for (const { transaction } of await store.claim(clock.now(), 'me', () => clock.now() + 1, 2000)) {
        const { gid, status } = transaction;
        woken.set(gid, (woken.get(gid) ?? 0) + 1);
        const next = { ...transaction, owner: undefined, nextCronTime: clock.now() + 10_000 };
        await store.update({ status, owner: 'me' }, next, new Map());
      }
    };
    const retrying = interceptStore(store, async (_operation, call) => {
      const result = await call();
      await retryAgain();
      return result;
    });
    const again = new Waker({ store: retrying, clock }, () => undefined);
    expect(await again.wake({}, Infinity)).toEqual({ count: 1200, hasMore: false });
    expect([woken.size, Math.max(...woken.values())]).toEqual([1200, 1]);
    expect(await waker.wake({}, Infinity)).toEqual({ count: 1200, hasMore: false });
  });

  it('ends even when the clock is set back meanwhile', async () => {
    const { clock, waker } = await fixture(1200);
    const woken = waker.wake({}, Infinity, () => {
      clock.jump(-1000);
      return true;
    });
    expect(await woken).toEqual({ count: 1200, hasMore: false });
  });
});
