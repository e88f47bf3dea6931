import { DtmBarrierError, DtmConnectionError, DtmFailureError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { XaStory, openAccount, registered, retried, type XaFixture, type XaPool } from '../xa-fixture.js';

/** What is left when something goes wrong. */
export function failures<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  const begin = async () => {
    const fixture = fixtureOf();
    const pool = fixture.pool(2);
    return { fixture, pool, adapter: pool.adapter, story: new XaStory(fixture, await openAccount(fixture)) };
  };

  /** Nothing is left, and both connections of the pool can be used. */
  const expectNothing = async ({ adapter, busy }: XaPool<Tx>, story: XaStory<Tx>): Promise<void> => {
    const fixture = fixtureOf();
    expect([await story.balance(), await fixture.prepared(), busy()]).toEqual([0, 0, 0]);
    const next = new XaStory(fixture, story.account);
    await retried(() => adapter.prepare(next.branch, next.work, registered));
    await retried(() => adapter.commit(next.branch));
    expect([await story.balance(), busy()]).toEqual([30, 0]);
  };

  it('work that fails is rolled back, its error is thrown unchanged, and the branch is not registered', async () => {
    const { pool, adapter, story } = await begin();
    const error = new DtmFailureError('no money');
    let registrations = 0;
    const prepare = adapter.prepare(
      story.branch,
      async (tx) => {
        await story.work(tx);
        throw error;
      },
      async () => void registrations++,
    );
    await expect(prepare).rejects.toBe(error);
    expect(registrations).toBe(0);
    await expectNothing(pool, story);
  });

  it('work whose statement fails is rolled back', async () => {
    const { fixture, pool, adapter, story } = await begin();
    const prepare = adapter.prepare(
      story.branch,
      async (tx) => {
        await story.work(tx);
        await fixture.query(tx, 'insert into no_such_table values (1)');
      },
      registered,
    );
    await expect(prepare).rejects.toThrow(/no_such_table/);
    await expectNothing(pool, story);
  });

  it.each([
    ['refused', new DtmFailureError('no trans with gid')],
    ['without an answer', new DtmConnectionError('timed out')],
  ])('a registration that is %s is rolled back, and its error is thrown unchanged', async (_, error) => {
    const { pool, adapter, story } = await begin();
    await expect(adapter.prepare(story.branch, story.work, () => Promise.reject(error))).rejects.toBe(error);
    await expectNothing(pool, story);
  });

  it('a transaction that the database rolled back is not prepared, even when the work swallows the error', async () => {
    const { fixture, pool, adapter, story } = await begin();
    const prepare = adapter.prepare(
      story.branch,
      async (tx) => {
        await story.work(tx);
        await fixture.spoil(tx);
      },
      registered,
    );
    await expect(prepare).rejects.toThrow(DtmBarrierError);
    await expectNothing(pool, story);
  });

  it.each(['commit', 'rollback'])('work that ends the transaction itself by %s is an error', async (statement) => {
    const { fixture, adapter, pool, story } = await begin();
    const prepare = adapter.prepare(story.branch, (tx) => fixture.query(tx, statement), registered);
    await expect(prepare).rejects.toThrow();
    expect([await fixture.prepared(), pool.busy()]).toEqual([0, 0]);
  });

  it('a connection that is lost during the work rolls everything back', async () => {
    const { fixture, pool, adapter, story } = await begin();
    const prepare = adapter.prepare(
      story.branch,
      async (tx) => {
        await story.work(tx);
        await fixture.kill(tx);
      },
      registered,
    );
    await expect(prepare).rejects.toThrow(DtmBarrierError);
    await retried(() => adapter.rollback(story.branch));
    await expectNothing(pool, story);
  });

  it('a connection that is lost during the registration rolls everything back', async () => {
    const { fixture, pool, adapter, story } = await begin();
    let own: Tx;
    const prepare = adapter.prepare(
      story.branch,
      (tx) => {
        own = tx;
        return story.work(tx);
      },
      () => fixture.kill(own),
    );
    await expect(prepare).rejects.toThrow(/could not prepare/);
    await retried(() => adapter.rollback(story.branch));
    await expectNothing(pool, story);
  });

  it('a prepare without an answer is an error, and its branch can be rolled back', async () => {
    const { fixture, pool, adapter, story } = await begin();
    const prepare = adapter.prepare(
      story.branch,
      (tx) => {
        fixture.loseAnswer(tx, fixture.prepareStatement);
        return story.work(tx);
      },
      registered,
    );
    await expect(prepare).rejects.toThrow(/could not prepare: the answer was lost/);
    await retried(() => adapter.rollback(story.branch));
    await expectNothing(pool, story);
  });

  it.each(['commit', 'rollback'] as const)('a %s on lost connections is done by a later one', async (decision) => {
    const { fixture, pool, adapter, story } = await begin();
    await adapter.prepare(story.branch, story.work, registered);
    await fixture.killAll();
    await retried(() => adapter[decision](story.branch));
    expect([await story.balance(), await fixture.prepared(), pool.busy()]).toEqual([
      decision === 'commit' ? 30 : 0,
      0,
      0,
    ]);
  });
}
