import { randomUUID } from 'node:crypto';
import { BranchBarrier, isMessageCommitted } from 'nestjs-dtm/barrier';
import { DtmBarrierError, DtmDuplicatedError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { retried, signal, until, type BarrierFixture } from '../barrier-fixture.js';

/** What becomes of the local transaction of a message: docs/protocol.md#message-barrier. */
export function messages<Tx>(fixture: () => BarrierFixture<Tx>): void {
  const begin = () => {
    const gid = `message-${randomUUID()}`;
    return { gid, barrier: new BranchBarrier({ gid, transType: 'msg', branchId: '00', op: 'msg' }) };
  };

  it('a local transaction that committed is known', async () => {
    const { gid, barrier } = begin();
    await barrier.call(fixture().adapter(), async () => 'done');
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(true);
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(true);
  });

  it('one that was joined and committed is known', async () => {
    const { gid, barrier } = begin();
    const own = await fixture().begin();
    await barrier.join(fixture().adapter(), own.tx, async () => undefined);
    await own.commit();
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(true);
  });

  it('one that was rolled back is not, and never will be', async () => {
    const { gid, barrier } = begin();
    const failure = new Error('no money');
    await expect(barrier.call(fixture().adapter(), () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(false);
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(false);
    const late = new BranchBarrier(barrier.context);
    await expect(late.call(fixture().adapter(), async () => 'late')).rejects.toBeInstanceOf(DtmDuplicatedError);
  });

  it('messages whose ids begin alike, or differ in case, are told apart', async () => {
    const { gid, barrier } = begin();
    await barrier.call(fixture().adapter(), async () => 'done');
    expect(await isMessageCommitted(fixture().adapter(), `${gid}1`)).toBe(false);
    expect(await isMessageCommitted(fixture().adapter(), gid.toUpperCase())).toBe(false);
    expect(await isMessageCommitted(fixture().adapter(), gid)).toBe(true);
  });

  it('an error of the database is an error', async () => {
    const asked = isMessageCommitted(fixture().adapter({ table: 'no_such_table' }), begin().gid);
    await expect(asked).rejects.toBeInstanceOf(DtmBarrierError);
  });

  describe('while it is open', () => {
    it.each(['commits', 'rolls back'] as const)('a query waits until it %s', async (end) => {
      const { sessions } = fixture();
      // with one connection, no query is possible at the same time
      if (!sessions) return;
      const { gid, barrier } = begin();
      const [inserted, go] = [signal(), signal()];
      const run = barrier.call(fixture().adapter(), async () => {
        inserted.resolve();
        await go.promise;
        if (end === 'rolls back') throw new Error('no money');
      });
      const outcome = run.catch(() => undefined);
      await inserted.promise;
      // without its pool, the calls do not wait for each other, as if another process received the query
      const elsewhere = { ...fixture().adapter(), pool: undefined };
      const asked = retried(() => isMessageCommitted(elsewhere, gid));
      await until(async () => (await sessions.waiting()) > 0);
      go.resolve();
      await outcome;
      expect(await asked).toBe(end === 'commits');
    });
  });
}
