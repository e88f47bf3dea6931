import { expect, it } from 'vitest';
import { XaStory, balanceOf, openAccount, registered, type XaFixture } from '../xa-fixture.js';

const MANY = Array.from({ length: 20 }, (_, number) => number);

/** More branches than connections. */
export function concurrency<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  it('branches wait for a connection, and release it when they are prepared', async () => {
    const fixture = fixtureOf();
    const { adapter, busy } = fixture.pool(4);
    const stories: XaStory<Tx>[] = [];
    for (const _ of MANY) stories.push(new XaStory(fixture, await openAccount(fixture)));
    await Promise.all(stories.map((story) => adapter.prepare(story.branch, story.work, registered)));
    expect([await fixture.prepared(), busy()]).toEqual([20, 0]);
    await Promise.all(
      stories.map((story, number) => (number % 2 ? adapter.commit(story.branch) : adapter.rollback(story.branch))),
    );
    const balances = await Promise.all(stories.map((story) => story.balance()));
    expect(balances).toEqual(MANY.map((number) => (number % 2 ? 30 : 0)));
    expect([await fixture.prepared(), busy()]).toEqual([0, 0]);
  });

  it('branches that wait for the same row do not prevent the commit of its holder', async () => {
    const fixture = fixtureOf();
    const { adapter, busy } = fixture.pool(3);
    const account = await openAccount(fixture);
    await Promise.all(
      MANY.map(async () => {
        const story = new XaStory(fixture, account);
        await adapter.prepare(story.branch, story.work, registered);
        await adapter.commit(story.branch);
      }),
    );
    expect([await balanceOf(fixture, account), await fixture.prepared(), busy()]).toEqual([600, 0, 0]);
  });

  it('a branch inside a branch is refused when it could never get a connection', async () => {
    const fixture = fixtureOf();
    const { adapter, busy } = fixture.pool(2);
    const [outer, inner] = [
      new XaStory(fixture, await openAccount(fixture)),
      new XaStory(fixture, await openAccount(fixture)),
    ];
    const nested = adapter.prepare(
      outer.branch,
      () => adapter.prepare(inner.branch, inner.work, registered),
      registered,
    );
    await expect(nested).rejects.toThrow(/xa\.call inside another xa\.call on the same pool/);
    expect([await fixture.prepared(), busy()]).toEqual([0, 0]);
  });
}
