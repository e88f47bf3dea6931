import { DtmBarrierError, DtmConfigError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { BranchStory, signal, until, type BarrierFixture } from '../barrier-fixture.js';

/** Calls that share few connections. */
export function pools<Tx>(fixture: () => BarrierFixture<Tx>): void {
  /** Runs a test on a pool of its own. */
  const on =
    (connections: number, test: (small: BarrierFixture<Tx>) => Promise<void>) =>
    async ({ skip }: { skip: (note: string) => never }) => {
      const small = await fixture().small?.(connections);
      if (!small) return skip('there is only one connection');
      try {
        await test(small);
      } finally {
        await small.close();
      }
    };
  const call = <T>(small: BarrierFixture<Tx>, work: (tx: Tx) => Promise<T>) =>
    new BranchStory(small).request('action').call(small.adapter(), work);

  it(
    'refuse a call inside a call that holds the only connection',
    on(1, async (small) => {
      const nested = call(small, () => call(small, async () => 'never'));
      await expect(nested).rejects.toThrow(DtmConfigError);
      await expect(nested).rejects.toThrow(/inside another barrier\.call on the same pool.*barrier\.join/);
      expect(await call(small, async () => 'free again')).toBe('free again');
    }),
  );

  it(
    'refuse one of the calls inside calls that hold all connections, and run the others',
    on(3, async (small) => {
      const all = signal();
      let entered = 0;
      const outer = () =>
        call(small, async () => {
          if (++entered === 3) all.resolve();
          await all.promise;
          return call(small, async () => 'inner');
        });
      const settled = await Promise.allSettled([outer(), outer(), outer()]);
      const refused = settled.filter(({ status }) => status === 'rejected');
      expect(refused).toEqual([{ status: 'rejected', reason: expect.any(DtmConfigError) }]);
      expect(settled).toContainEqual({ status: 'fulfilled', value: 'inner' });
    }),
  );

  it(
    'run a call inside a call while a connection is free',
    on(2, async (small) => {
      expect(await call(small, () => call(small, async () => 'inner'))).toBe('inner');
    }),
  );

  it(
    'refuse a call inside a call of the same row',
    on(3, async (small) => {
      const story = new BranchStory(small);
      const nested = story
        .request('action')
        .call(small.adapter(), () => story.request('action').call(small.adapter(), story.work('action')));
      await expect(nested).rejects.toThrow(DtmConfigError);
      expect(await story.effects()).toEqual([]);
    }),
  );

  it(
    'give one connection to the repetitions of a branch that waits',
    on(2, async (small) => {
      const story = new BranchStory(small);
      const first = await fixture().begin();
      await story.request('action').join(fixture().adapter(), first.tx, story.work('action'));
      const repetitions = Array.from({ length: 5 }, () =>
        story.request('action').call(small.adapter(), story.work('action')),
      );
      await until(async () => (await fixture().sessions!.waiting()) === 1);
      expect(await call(small, async () => 'another branch')).toBe('another branch');
      await first.commit();
      expect(await Promise.all(repetitions)).toEqual(repetitions.map(() => undefined));
      expect(await story.effects()).toEqual(['action']);
    }),
  );

  it(
    'close a connection whose server accepts no writes any more',
    on(1, async (small) => {
      const readOnly =
        small.dialect === 'postgres'
          ? 'set session characteristics as transaction read only'
          : 'set session transaction read only';
      await call(small, (tx) => small.query(tx, readOnly));
      const story = new BranchStory(fixture());
      const act = () => story.request('action').call(small.adapter(), story.work('action'));
      const refused = act();
      await expect(refused).rejects.toThrow(DtmBarrierError);
      await expect(refused).rejects.toThrow(/accepts no writes.*retry/);
      expect(await act()).toBe('did action');
    }),
  );
}
