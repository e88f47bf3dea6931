import { DtmBarrierError, type BranchOp } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { errorChain } from '../../../../lib/barrier/sql/error-chain.js';
import { BranchStory, RUNS, retried, until, type BarrierFixture } from '../barrier-fixture.js';

const ONE_CONNECTION = 'there is only one connection';

/** Requests that meet in the database. */
export function races<Tx>(fixture: () => BarrierFixture<Tx>): void {
  const ask = (story: BranchStory<Tx>, op: BranchOp) =>
    story.request(op, 'tcc').call(story.fixture.adapter(), story.work(op));
  // calls of one process wait for each other; join does not, as if another process received the request
  const askElsewhere = (story: BranchStory<Tx>, op: BranchOp) =>
    story.fixture.sessions ? RUNS.join(story.fixture, story.request(op, 'tcc'), story.work(op)) : ask(story, op);

  it('runs the business code once for 20 duplicates at the same time', async () => {
    const story = new BranchStory(fixture());
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => retried(() => (index % 2 ? ask : askElsewhere)(story, 'action'))),
    );
    expect(answers.filter((answer) => answer === 'did action')).toHaveLength(1);
    expect(await story.effects()).toEqual(['action']);
  });

  it('has no net effect when try and cancel come at the same time', async () => {
    for (let round = 0; round < 50; round++) {
      const story = new BranchStory(fixture());
      const ops: BranchOp[] = round % 2 === 0 ? ['try', 'cancel'] : ['cancel', 'try'];
      const requests = [...ops.map((op) => [ask, op] as const), ...ops.map((op) => [askElsewhere, op] as const)];
      await Promise.all(requests.map(([request, op]) => retried(() => request(story, op))));
      const effects = await story.effects();
      expect([[], ['cancel', 'try']]).toContainEqual(effects);
    }
  });

  it.for([
    ['commit', undefined],
    ['rollback', 'did action'],
  ] as const)('makes a duplicate wait for the %s of the first', async ([end, answer], { skip }) => {
    const { sessions } = fixture();
    if (!sessions) return skip(ONE_CONNECTION);
    const story = new BranchStory(fixture());
    const first = await fixture().begin();
    await story.request('action').join(fixture().adapter(), first.tx, story.work('action'));
    const second = ask(story, 'action');
    await until(async () => (await sessions.waiting()) === 1);
    await first[end]();
    expect(await second).toBe(answer);
    expect(await story.effects()).toEqual(['action']);
  });

  it.for([
    ['commit', 'did cancel', ['cancel', 'try']],
    ['rollback', undefined, []],
  ] as const)('makes a cancel wait for the %s of the try', async ([end, answer, effects], { skip }) => {
    const { sessions } = fixture();
    if (!sessions) return skip(ONE_CONNECTION);
    const story = new BranchStory(fixture());
    const first = await fixture().begin();
    await story.request('try', 'tcc').join(fixture().adapter(), first.tx, story.work('try'));
    const second = ask(story, 'cancel');
    await until(async () => (await sessions.waiting()) === 1);
    await first[end]();
    expect(await second).toBe(answer);
    expect(await story.effects()).toEqual(effects);
  });

  it('says "retry" to the victim when two duplicates wait and the first rolls back', async ({ skip }) => {
    const { sessions, dialect } = fixture();
    if (!sessions) return skip(ONE_CONNECTION);
    const story = new BranchStory(fixture());
    const first = await fixture().begin();
    await story.request('action').join(fixture().adapter(), first.tx, story.work('action'));
    const others = Promise.allSettled([askElsewhere(story, 'action'), askElsewhere(story, 'action')]);
    await until(async () => (await sessions.waiting()) === 2);
    await first.rollback();
    const settled = await others;

    expect(settled).toContainEqual({ status: 'fulfilled', value: 'did action' });
    const victims = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(victims).toHaveLength(dialect === 'mysql' ? 1 : 0);
    for (const victim of victims) {
      expect(victim).toBeInstanceOf(DtmBarrierError);
      expect((victim as Error).message).toMatch(/this transaction conflicts with another transaction .*retry/);
    }
    expect(await ask(story, 'action')).toBeUndefined();
    expect(await story.effects()).toEqual(['action']);
  });

  it.for(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'survives a join at %s that meets a duplicate',
    async (isolation, { skip }) => {
      const { sessions, dialect } = fixture();
      if (!sessions) return skip(ONE_CONNECTION);
      const story = new BranchStory(fixture());
      const first = await fixture().begin();
      const second = await fixture().begin(isolation);
      await fixture().query(second.tx, 'select * from anchor');
      await story.request('action').join(fixture().adapter(), first.tx, story.work('action'));
      const late = story.request('action').join(fixture().adapter(), second.tx, story.work('action'));
      const answer = late.catch((error: unknown) => error);
      await until(async () => (await sessions.waiting()) === 1);
      await first.commit();

      if (dialect === 'postgres') {
        expect(await answer).toBeInstanceOf(DtmBarrierError);
        expect(await answer).toMatchObject({ message: expect.stringMatching(/retry/) });
        const { cause } = (await answer) as Error;
        expect([...errorChain(cause)].map(({ code }) => code)).toContain('40001');
      } else {
        expect(await answer).toBeUndefined();
      }
      await second.rollback();
      expect(await ask(story, 'action')).toBeUndefined();
      expect(await story.effects()).toEqual(['action']);
    },
  );

  it('opens its transactions READ COMMITTED', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect === 'sqlite') return skip('SQLite has no such level');
    const level =
      dialect === 'postgres'
        ? "select upper(current_setting('transaction_isolation')) as level"
        : 'select trx_isolation_level as level from information_schema.innodb_trx where trx_mysql_thread_id = connection_id()';
    const story = new BranchStory(fixture());
    const rows = await story.request('action').call(fixture().adapter(), (tx) => fixture().query(tx, level));
    expect(rows).toEqual([{ level: 'READ COMMITTED' }]);
  });
}
