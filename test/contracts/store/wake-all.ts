import type { Store, WakeFilter } from 'nestjs-dtm/server';

/** Continues `Store.wake` up to the limit; returns how many transactions were made due. */
export async function wakeAll(store: Store, now: number, filter: WakeFilter): Promise<number> {
  let count = 0;
  let position: string | undefined = '';
  do {
    const woken = await store.wake(now, { ...filter, position, limit: filter.limit - count });
    count += woken.count;
    position = woken.nextPosition;
  } while (position && count < filter.limit);
  return count;
}
