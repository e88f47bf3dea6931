import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { XaStory, openAccount, registered, type XaFixture } from '../xa-fixture.js';

/** What becomes of a branch. */
export function decisions<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  const begin = async () => {
    const fixture = fixtureOf();
    const pool = fixture.pool(3);
    return { fixture, pool, adapter: pool.adapter, story: new XaStory(fixture, await openAccount(fixture)) };
  };

  it('a branch is prepared, invisible, and visible after its commit', async () => {
    const { fixture, pool, adapter, story } = await begin();
    expect(await adapter.prepare(story.branch, story.work, registered)).toBe('moved');
    expect([await story.balance(), await fixture.prepared()]).toEqual([0, 1]);
    expect(await story.barrierRows()).toEqual([]);
    await adapter.commit(story.branch);
    expect([await story.balance(), await fixture.prepared()]).toEqual([30, 0]);
    expect(await story.barrierRows()).toEqual(['xa action/01 by action']);
    expect(pool.busy()).toBe(0);
  });

  it('a branch disappears with its rollback, which leaves its own row', async () => {
    const { fixture, pool, adapter, story } = await begin();
    await adapter.prepare(story.branch, story.work, registered);
    await adapter.rollback(story.branch);
    expect([await story.balance(), await fixture.prepared()]).toEqual([0, 0]);
    expect(await story.barrierRows()).toEqual(['xa action/01 by rollback']);
    expect(pool.busy()).toBe(0);
  });

  it('a branch is registered after its work, and before it is prepared', async () => {
    const { fixture, adapter, story } = await begin();
    const seen: unknown[] = [];
    await adapter.prepare(story.branch, story.work, async () => {
      seen.push(story.runs, await fixture.prepared());
    });
    expect(seen).toEqual([1, 0]);
    await adapter.rollback(story.branch);
  });

  it('a repeated commit and a repeated rollback change nothing', async () => {
    const { adapter, story } = await begin();
    await adapter.prepare(story.branch, story.work, registered);
    await adapter.commit(story.branch);
    await adapter.commit(story.branch);
    expect(await story.balance()).toBe(30);

    const other = await begin();
    await adapter.prepare(other.story.branch, other.story.work, registered);
    await adapter.rollback(other.story.branch);
    await adapter.rollback(other.story.branch);
    expect(await other.story.balance()).toBe(0);
  });

  it('a commit of a branch that was never prepared is an error, not a success', async () => {
    const { adapter, story } = await begin();
    const commit = adapter.commit(story.branch);
    await expect(commit).rejects.toThrow(DtmBarrierError);
    await expect(commit).rejects.toThrow(/it is neither prepared nor committed/);
  });

  it('a commit after the rollback, and a rollback after the commit, are errors', async () => {
    const { adapter, story } = await begin();
    await adapter.rollback(story.branch);
    await expect(adapter.commit(story.branch)).rejects.toThrow(/was rolled back before/);

    const other = await begin();
    await adapter.prepare(other.story.branch, other.story.work, registered);
    await adapter.commit(other.story.branch);
    await expect(adapter.rollback(other.story.branch)).rejects.toThrow(
      /the branch is committed already, although the transaction is not/,
    );
    expect(await other.story.balance()).toBe(30);
  });

  it('the branches of one transaction are decided one by one', async () => {
    const { fixture, adapter, story } = await begin();
    const second = new XaStory(fixture, await openAccount(fixture), story.branch.gid);
    const branch = { ...second.branch, branchId: '02' };
    await adapter.prepare(story.branch, story.work, registered);
    await adapter.prepare(branch, second.work, registered);
    await adapter.commit(story.branch);
    expect([await story.balance(), await second.balance()]).toEqual([30, 0]);
    await adapter.commit(branch);
    expect(await second.balance()).toBe(30);
  });

  it('a commit right after the prepare finds the branch, every time', async () => {
    const { adapter, story, fixture } = await begin();
    for (let count = 0; count < 20; count++) {
      const next = new XaStory(fixture, story.account);
      await adapter.prepare(next.branch, next.work, registered);
      await adapter.commit(next.branch);
    }
    expect(await story.balance()).toBe(600);
  });
}
