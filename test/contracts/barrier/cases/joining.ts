import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { BranchStory, type BarrierFixture } from '../barrier-fixture.js';

/** What `join` leaves to the caller. */
export function joining<Tx>(fixture: () => BarrierFixture<Tx>): void {
  it('leaves the commit to the caller', async () => {
    const story = new BranchStory(fixture());
    const own = await fixture().begin();
    expect(await story.request('action').join(fixture().adapter(), own.tx, story.work('action'))).toBe('did action');
    // anything after it still belongs to the same transaction
    await story.work('more')(own.tx);
    await own.commit();
    expect(await story.effects()).toEqual(['action', 'more']);
    expect(await story.barrierRows()).toEqual(['action/01 by action']);
  });

  it("loses its row with the caller's rollback", async () => {
    const story = new BranchStory(fixture());
    const own = await fixture().begin();
    await story.request('action').join(fixture().adapter(), own.tx, story.work('action'));
    await own.rollback();
    expect(await story.effects()).toEqual([]);
    expect(await story.barrierRows()).toEqual([]);
    expect(await story.request('action').call(fixture().adapter(), story.work('action'))).toBe('did action');
  });

  it('does not end the transaction when the business code fails', async () => {
    const story = new BranchStory(fixture());
    const failure = new Error('no');
    const own = await fixture().begin();
    await expect(story.request('action').join(fixture().adapter(), own.tx, () => Promise.reject(failure))).rejects.toBe(
      failure,
    );
    await story.work('still open')(own.tx);
    await own.rollback();
    expect(await story.effects()).toEqual([]);
  });

  it('shares the numbering with call', async () => {
    const story = new BranchStory(fixture());
    const barrier = story.request('action');
    await barrier.call(fixture().adapter(), story.work('action'));
    const own = await fixture().begin();
    await barrier.join(fixture().adapter(), own.tx, story.work('action'));
    await own.commit();
    expect(await story.barrierRows()).toEqual(['action/01 by action', 'action/02 by action']);
  });

  it('joins twice in one transaction', async () => {
    const story = new BranchStory(fixture());
    const barrier = story.request('action');
    const own = await fixture().begin();
    await barrier.join(fixture().adapter(), own.tx, story.work('action'));
    await barrier.join(fixture().adapter(), own.tx, story.work('action'));
    await own.commit();
    expect(await story.effects()).toEqual(['action', 'action']);
  });

  it('refuses anything but an open transaction', async () => {
    const story = new BranchStory(fixture());
    const handles = { ...fixture().notTransactions, undefined: undefined, null: null, 'an object': {}, 'a text': 'tx' };
    for (const [name, handle] of Object.entries(handles)) {
      const joined = story.request('action').join(fixture().adapter(), handle as Tx, story.work('action'));
      await expect(joined, name).rejects.toBeInstanceOf(DtmArgumentError);
    }
    expect(await story.effects()).toEqual([]);
    expect(await story.barrierRows()).toEqual([]);
  });
}
