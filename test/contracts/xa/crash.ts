import { expect, it } from 'vitest';
import { XaStory, openAccount, registered, retried, type XaFixture } from './xa-fixture.js';

/** What must be there after the database has died. */
export function survivesCrash<Tx>(
  serverOf: () => { kill(): Promise<void>; restart(): Promise<void> },
  setup: () => Promise<XaFixture<Tx>>,
): void {
  it('keeps prepared branches when the database dies, and nothing of others', async () => {
    const fixture = await setup();
    const { adapter } = fixture.pool(3);
    const begin = async () => new XaStory(fixture, await openAccount(fixture));
    const [committed, rolledBack, open] = [await begin(), await begin(), await begin()];
    await adapter.prepare(committed.branch, committed.work, registered);
    await adapter.prepare(rolledBack.branch, rolledBack.work, registered);
    await expect(adapter.prepare(open.branch, open.work, () => serverOf().kill())).rejects.toThrow(/could not prepare/);
    await serverOf().restart();

    await retried(() => fixture.rows('select 1').catch(() => adapter.commit(committed.branch)));
    expect((await adapter.listInDoubt()).map(({ gid }) => gid).toSorted()).toEqual(
      [committed, rolledBack].map(({ branch }) => branch.gid).toSorted(),
    );
    await retried(() => adapter.commit(committed.branch));
    await retried(() => adapter.rollback(rolledBack.branch));
    await retried(() => adapter.rollback(open.branch));
    const balances = await Promise.all([committed, rolledBack, open].map((story) => story.balance()));
    expect([balances, await fixture.prepared()]).toEqual([[30, 0, 0], 0]);
    await fixture.close();
  });
}
