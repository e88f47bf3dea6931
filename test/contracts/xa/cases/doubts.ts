import type { BranchRecord, TransactionDetails } from 'nestjs-dtm/protocol';
import { resolveInDoubt } from 'nestjs-dtm/xa';
import { expect, it } from 'vitest';
import { XaStory, openAccount, registered, type XaFixture } from '../xa-fixture.js';

/** What is prepared, and forgotten. */
export function doubts<Tx>(fixtureOf: () => XaFixture<Tx>): void {
  it('are listed with their age, but not those of other programs', async () => {
    const fixture = fixtureOf();
    const { adapter } = fixture.pool(2);
    const rollbackForeign = await fixture.prepareForeign();
    const story = new XaStory(fixture, await openAccount(fixture));
    await adapter.prepare(story.branch, story.work, registered);
    const [doubt, ...more] = await adapter.listInDoubt();
    expect(doubt).toMatchObject(story.branch);
    expect(doubt!.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(doubt!.ageSeconds).toBeLessThan(60);
    expect(more).toEqual([]);
    await adapter.rollback(story.branch);
    expect(await adapter.listInDoubt()).toEqual([]);
    expect(await fixture.prepared()).toBe(1);
    await rollbackForeign();
  });

  it('are resolved as the coordinator has decided; unknown ones stay', async () => {
    const fixture = fixtureOf();
    const { adapter } = fixture.pool(2);
    const known = new Map<string, TransactionDetails>();
    const begin = async (status?: string) => {
      const story = new XaStory(fixture, await openAccount(fixture));
      await adapter.prepare(story.branch, story.work, registered);
      if (status) known.set(story.branch.gid, detailsOf(status));
      return story;
    };
    const [submitted, succeed, aborting, failed, prepared, unknown] = [
      await begin('submitted'),
      await begin('succeed'),
      await begin('aborting'),
      await begin('failed'),
      await begin('prepared'),
      await begin(),
    ];
    const api = { query: async (gid: string) => known.get(gid) };
    expect(await resolveInDoubt(adapter, api)).toEqual([]);

    const outcomes = await resolveInDoubt(adapter, api, { olderThanSeconds: 0 });
    const outcomeOf = ({ branch }: XaStory<Tx>) => outcomes.find(({ gid }) => gid === branch.gid)?.outcome;
    expect([submitted, succeed, aborting, failed, prepared, unknown].map(outcomeOf)).toEqual([
      'committed',
      'committed',
      'rolled back',
      'rolled back',
      'waiting',
      'unclear',
    ]);
    expect([await submitted.balance(), await failed.balance(), await fixture.prepared()]).toEqual([30, 0, 2]);
    await adapter.rollback(prepared.branch);
    await adapter.rollback(unknown.branch);
  });
}

function detailsOf(status: string): TransactionDetails {
  const branches = [{ branchId: '01', op: 'commit', status: 'prepared' }] as unknown as BranchRecord[];
  return { transaction: { transType: 'xa', status } as TransactionDetails['transaction'], branches };
}
