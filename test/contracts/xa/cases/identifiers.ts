import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { XaStory, openAccount, registered, type XaFixture } from '../xa-fixture.js';

const UNUSUAL = [
  `it's`,
  `"quoted"`,
  'back\\slash\\',
  `\\' or 1=1 -- `.trim(),
  '`$1`?%_/**/#',
  'a-01',
  '-',
  'Größe 日本 🙂',
];

/** Ids of all shapes. */
export function identifiers<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  const begin = async (gid: string) => {
    const fixture = fixtureOf();
    const pool = fixture.pool(2);
    return { fixture, pool, adapter: pool.adapter, story: new XaStory(fixture, await openAccount(fixture), gid) };
  };

  it.each(UNUSUAL)('%s works as a gid', async (gid) => {
    const { adapter, story } = await begin(gid);
    await adapter.prepare(story.branch, story.work, registered);
    expect(await adapter.listInDoubt()).toMatchObject([{ gid, branchId: '01' }]);
    await adapter.commit(story.branch);
    expect([await story.balance(), await adapter.listInDoubt()]).toEqual([30, []]);

    const other = await begin(`${gid}!`);
    await adapter.prepare(other.story.branch, other.story.work, registered);
    await adapter.rollback(other.story.branch);
    expect([await other.story.balance(), await adapter.listInDoubt()]).toEqual([0, []]);
  });

  describe('a gid', () => {
    it('can be as long as the database allows', async () => {
      const gid = 'é'.repeat(fixtureOf().longestGid / 2);
      const { adapter, story } = await begin(gid);
      await adapter.prepare(story.branch, story.work, registered);
      expect(await adapter.listInDoubt()).toMatchObject([{ gid, branchId: '01' }]);
      await adapter.commit(story.branch);
      expect(await story.balance()).toBe(30);
    });

    it('that is longer is refused before any statement, with the limit', async () => {
      const most = fixtureOf().longestGid;
      const { adapter, story, pool } = await begin(`${'é'.repeat(most / 2)}x`);
      const prepare = adapter.prepare(story.branch, story.work, registered);
      await expect(prepare).rejects.toThrow(DtmArgumentError);
      await expect(prepare).rejects.toThrow(new RegExp(`${most + 1} bytes.* ${most} bytes`));
      expect([story.runs, pool.busy()]).toEqual([0, 0]);
      await expect(adapter.commit(story.branch)).rejects.toThrow(DtmArgumentError);
      await expect(adapter.rollback(story.branch)).rejects.toThrow(DtmArgumentError);
    });

    it.each(['', 'a;b', 'x'.repeat(129)])('that dtm does not allow is refused: %j', async (bad) => {
      const { adapter, story } = await begin('g');
      for (const branch of [
        { gid: bad, branchId: '01' },
        { gid: 'g', branchId: bad },
      ]) {
        await expect(adapter.prepare(branch, story.work, registered)).rejects.toThrow(DtmArgumentError);
      }
      expect(story.runs).toBe(0);
    });
  });
}
