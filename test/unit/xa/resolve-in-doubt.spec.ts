import { DtmArgumentError, DtmBarrierError, DtmConnectionError, type TransactionDetails } from 'nestjs-dtm/protocol';
import { resolveInDoubt, type InDoubtBranch, type XaAdapter } from 'nestjs-dtm/xa';
import { describe, expect, it } from 'vitest';

/** A database with branches in doubt, and a coordinator that says the same of all transactions. */
function fixture(doubts: readonly Partial<InDoubtBranch>[], details: TransactionDetails | Error | undefined) {
  const log: string[] = [];
  const failing = new Set<string>();
  const decide = (decision: string) => async (branch: { gid: string }) => {
    log.push(`${decision} ${branch.gid}`);
    if (failing.has(branch.gid)) throw new DtmBarrierError('busy');
  };
  const adapter: XaAdapter<unknown> = {
    prepare: async () => undefined,
    commit: decide('commit'),
    rollback: decide('rollback'),
    listInDoubt: async () => doubts.map((doubt) => ({ gid: 'g', branchId: '01', ageSeconds: 100, ...doubt })),
    createTable: async () => undefined,
  };
  const query = async (gid: string): Promise<TransactionDetails | undefined> => {
    log.push(`query ${gid}`);
    if (details instanceof Error) throw details;
    return details;
  };
  return { log, adapter, failing, api: { query } };
}

const transaction = (
  status: string,
  branches: readonly object[] = [{ branchId: '01', op: 'commit' }],
  transType = 'xa',
) => ({ transaction: { status, transType }, branches }) as unknown as TransactionDetails;

describe('a branch in doubt', () => {
  it.each<[string, string, TransactionDetails | Error | undefined]>([
    ['committed', 'commit g', transaction('submitted')],
    ['committed', 'commit g', transaction('succeed')],
    ['rolled back', 'rollback g', transaction('aborting')],
    ['rolled back', 'rollback g', transaction('failed')],
    ['waiting', '', transaction('prepared')],
    ['unclear', '', undefined],
    ['unclear', '', transaction('succeed', [])],
    ['unclear', '', transaction('succeed', [{ branchId: '02', op: 'commit' }])],
    ['unclear', '', transaction('succeed', undefined, 'saga')],
    ['unclear', '', transaction('failed', [{ branchId: '01' }, { branchId: '02', op: 'commit', status: 'succeed' }])],
    ['failed', '', new DtmConnectionError('no answer')],
  ])('is %s (%s) when the coordinator says %j', async (outcome, done, details) => {
    const { log, adapter, api } = fixture([{}], details);
    const [resolved] = await resolveInDoubt(adapter, api);
    expect(resolved).toMatchObject({ gid: 'g', branchId: '01', ageSeconds: 100, outcome });
    expect(log).toEqual(['query g', ...(done ? [done] : [])]);
    expect(resolved!.reason === undefined).toBe(done !== '');
  });

  it('is not resolved while it is young, unless its age is unknown', async () => {
    const { log, adapter, api } = fixture(
      [
        { gid: 'young', ageSeconds: 59 },
        { gid: 'old', ageSeconds: 60 },
        { gid: 'unknown', ageSeconds: undefined },
      ],
      transaction('submitted'),
    );
    expect((await resolveInDoubt(adapter, api)).map(({ gid }) => gid)).toEqual(['old', 'unknown']);
    expect(log).not.toContain('query young');
  });

  it('that cannot be ended does not prevent the end of others', async () => {
    const { adapter, api, failing } = fixture([{ gid: 'a' }, { gid: 'b' }], transaction('submitted'));
    failing.add('a');
    const resolved = await resolveInDoubt(adapter, api);
    expect(resolved).toMatchObject([
      { gid: 'a', outcome: 'failed', reason: 'busy', error: expect.any(DtmBarrierError) },
      { gid: 'b', outcome: 'committed' },
    ]);
  });

  it.each([-1, Number.NaN])('refuses the age of %d seconds', async (olderThanSeconds) => {
    const { adapter, api } = fixture([], undefined);
    await expect(resolveInDoubt(adapter, api, { olderThanSeconds })).rejects.toThrow(DtmArgumentError);
  });
});
