import { DtmBarrierError, DtmFailureError, DtmOngoingError } from 'nestjs-dtm/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { BranchStory, RUNS, signal, type BarrierFixture } from '../barrier-fixture.js';

/** Errors: of the business code, and of the database under it. */
export function failures<Tx>(fixture: () => BarrierFixture<Tx>): void {
  const thrown = {
    'a failure': new DtmFailureError('out of stock'),
    'not yet': new DtmOngoingError('wait'),
    'any error': new TypeError('a mistake'),
    'a text': 'not even an error',
    undefined: undefined,
  };

  it.each(Object.keys(RUNS) as (keyof typeof RUNS)[])(
    '%s rolls back and throws what the business code threw',
    async (mode) => {
      for (const [name, error] of Object.entries(thrown)) {
        const story = new BranchStory(fixture());
        const caught = await RUNS[mode](fixture(), story.request('action'), async (tx) => {
          await story.work('action')(tx);
          throw error;
        }).then(
          () => 'nothing was thrown',
          (reason: unknown) => reason,
        );
        expect(caught, name).toBe(error);
        expect(await story.effects(), name).toEqual([]);
        expect(await story.barrierRows(), name).toEqual([]);
        expect(await RUNS[mode](fixture(), story.request('action'), story.work('action')), name).toBe('did action');
      }
    },
  );

  it('throws the error of a business statement unchanged', async () => {
    const story = new BranchStory(fixture());
    let original: unknown;
    const failed = story.request('action').call(fixture().adapter(), async (tx) => {
      await fixture()
        .query(tx, 'select * from no_such_thing')
        .catch((error: unknown) => {
          original = error;
          throw error;
        });
    });
    await expect(failed).rejects.toSatisfy((error) => error === original && !(error instanceof DtmBarrierError));
  });

  it('reports a transaction that failed by an error which the business code swallowed', async ({ skip }) => {
    skip(fixture().dialect !== 'postgres', 'the transaction survives an error here');
    for (const run of Object.values(RUNS)) {
      const story = new BranchStory(fixture());
      const swallowed = run(fixture(), story.request('action'), async (tx) => {
        await story.work('action')(tx);
        await fixture()
          .query(tx, 'select * from no_such_thing')
          .catch(() => {});
      });
      await expect(swallowed).rejects.toBeInstanceOf(DtmBarrierError);
      expect(await story.effects()).toEqual([]);
      expect(await story.barrierRows()).toEqual([]);
    }
  });

  it('reports a transaction that was the victim of a swallowed deadlock', async ({ skip }) => {
    const { sessions } = fixture();
    skip(!sessions, 'one connection');
    const [story, other] = [new BranchStory(fixture()), new BranchStory(fixture())];
    await fixture().rows('create table if not exists swallowed (id int primary key, n int not null)');
    onTestFinished(async () => void (await fixture().rows('drop table swallowed')));
    await fixture().rows('insert into swallowed values (1, 0), (2, 0)');
    // two branches take two locks in opposite order, and hide what becomes of it
    const [first, second] = [signal(), signal()];
    const take = (tx: Tx, id: number) => fixture().query(tx, `update swallowed set n = n + 1 where id = ${id}`);
    const results = await Promise.allSettled([
      story.request('action').call(fixture().adapter(), async (tx) => {
        await take(tx, 1);
        first.resolve();
        await second.promise;
        await take(tx, 2).catch(() => {});
      }),
      other.request('action').call(fixture().adapter(), async (tx) => {
        await take(tx, 2);
        second.resolve();
        await first.promise;
        await take(tx, 1).catch(() => {});
      }),
    ]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const victim = results.find((result) => result.status === 'rejected');
    expect(victim?.reason).toBeInstanceOf(DtmBarrierError);
    const rows = [...(await story.barrierRows()), ...(await other.barrierRows())];
    expect(rows).toEqual(['action/01 by action']);
    expect(await fixture().rows('select id, n from swallowed order by id')).toEqual([
      { id: 1, n: 1 },
      { id: 2, n: 1 },
    ]);
  });

  it('says "retry" when the connection is lost before the commit, and nothing is kept', async ({ skip }) => {
    const { sessions } = fixture();
    if (!sessions) return skip('one connection');
    const story = new BranchStory(fixture());
    const lost = story.request('action').call(fixture().adapter(), async (tx) => {
      await story.work('action')(tx);
      await sessions.kill(tx);
    });
    const error: unknown = await lost.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DtmBarrierError);
    expect((error as Error).message).toMatch(/retry/);
    expect(await story.effects()).toEqual([]);
    expect(await story.barrierRows()).toEqual([]);
    expect(await story.request('action').call(fixture().adapter(), story.work('action'))).toBe('did action');
  });
}
