import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { deferred } from '../../../support/deferred.js';
import { waitUntil } from '../../../support/wait-until.js';
import { XaStory, openAccount, registered, retried, type XaFixture } from '../xa-fixture.js';

/** Requests that come twice, late, or at the same time. */
export function order<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  const begin = async () => {
    const fixture = fixtureOf();
    const { adapter, busy } = fixture.pool(4);
    return { fixture, adapter, busy, story: new XaStory(fixture, await openAccount(fixture)) };
  };

  it('a first phase that comes after the rollback does nothing, and fails', async () => {
    const { adapter, story, busy } = await begin();
    await adapter.rollback(story.branch);
    await expect(adapter.prepare(story.branch, story.work, registered)).rejects.toThrow(DtmFailureError);
    expect([story.runs, busy()]).toEqual([0, 0]);
  });

  it('a repeated first phase of a prepared or committed branch does not do the work again', async () => {
    const { fixture, adapter, story, busy } = await begin();
    await adapter.prepare(story.branch, story.work, registered);
    expect(await adapter.prepare(story.branch, story.work, registered)).toBeUndefined();
    expect(await fixture.prepared()).toBe(1);
    await adapter.commit(story.branch);
    expect(await adapter.prepare(story.branch, story.work, registered)).toBeUndefined();
    expect([story.runs, await story.balance(), await fixture.prepared(), busy()]).toEqual([1, 30, 0, 0]);
  });

  it('a repeated first phase of a failed branch does the work', async () => {
    const { adapter, story } = await begin();
    const refusal = new DtmFailureError('not now');
    await expect(adapter.prepare(story.branch, story.work, () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(await adapter.prepare(story.branch, story.work, registered)).toBe('moved');
    await adapter.commit(story.branch);
    expect(await story.balance()).toBe(30);
  });

  it('a repeated first phase of a running branch is ongoing, at once', async () => {
    const { adapter, story } = await begin();
    const [working, goOn] = [deferred(), deferred()];
    const first = adapter.prepare(story.branch, story.work, async () => {
      working.resolve();
      await goOn.promise;
    });
    await working.promise;
    await expect(adapter.prepare(story.branch, story.work, registered)).rejects.toThrow(DtmOngoingError);
    goOn.resolve();
    expect(await first).toBe('moved');
    expect(story.runs).toBe(1);
    await adapter.rollback(story.branch);
  });

  it('a rollback waits for the running first phase, but not longer than dtm waits', async () => {
    const { fixture, adapter, story } = await begin();
    const [working, goOn] = [deferred(), deferred()];
    const refusal = new DtmFailureError('rolled back meanwhile');
    const first = adapter.prepare(story.branch, story.work, async () => {
      working.resolve();
      await goOn.promise;
      throw refusal;
    });
    await working.promise;
    await expect(adapter.rollback(story.branch)).rejects.toThrow(DtmOngoingError);

    const rollback = retried(() => adapter.rollback(story.branch));
    await waitUntil(async () => (await fixture.waiting()) > 0);
    goOn.resolve();
    await expect(first).rejects.toBe(refusal);
    await rollback;
    expect(await story.barrierRows()).toEqual(['xa action/01 by rollback']);
    expect([await story.balance(), await fixture.prepared()]).toEqual([0, 0]);
  });

  it('a rollback includes a branch that is prepared while it waits', async () => {
    const { fixture, adapter, story } = await begin();
    const [working, goOn] = [deferred(), deferred()];
    const first = adapter.prepare(story.branch, story.work, async () => {
      working.resolve();
      await goOn.promise;
    });
    await working.promise;
    const rollback = retried(() => adapter.rollback(story.branch));
    await waitUntil(async () => (await fixture.waiting()) > 0);
    goOn.resolve();
    expect(await first).toBe('moved');
    await rollback;
    expect(await story.barrierRows()).toEqual(['xa action/01 by rollback']);
    expect([await story.balance(), await fixture.prepared()]).toEqual([0, 0]);
  });

  it('two commits at the same time commit once', async () => {
    const { adapter, story } = await begin();
    await adapter.prepare(story.branch, story.work, registered);
    const commit = () => retried(() => adapter.commit(story.branch));
    await Promise.all([commit(), commit(), commit()]);
    expect(await story.balance()).toBe(30);
  });
}
