import {
  DtmArgumentError,
  DtmConnectionError,
  DtmFailureError,
  DtmServerError,
  type BranchContext,
  type TransactionDetails,
} from 'nestjs-dtm/protocol';
import { XaParticipant, type XaAdapter } from 'nestjs-dtm/xa';
import { describe, expect, it } from 'vitest';
import { ScriptedApi } from '../../support/scripted-api.js';

const URL = 'http://bank/out';

/** A branch on a database that writes down what it is asked. */
function fixture(context: Partial<BranchContext> = {}) {
  const log: string[] = [];
  const api = new ScriptedApi(log);
  const adapter: XaAdapter<string> = {
    async prepare(branch, work, register) {
      log.push(`prepare ${branch.gid} ${branch.branchId}`);
      const result = await work('connection');
      await register();
      return result;
    },
    commit: async ({ branchId }) => void log.push(`commit ${branchId}`),
    rollback: async ({ branchId }) => void log.push(`rollback ${branchId}`),
    listInDoubt: async () => [],
    createTable: async () => undefined,
  };
  const request: BranchContext = {
    gid: 'g',
    transType: 'xa',
    branchId: '01',
    op: 'action',
    phase2Url: URL,
    dtm: 'http://elsewhere',
    ...context,
  };
  return { log, api, branch: new XaParticipant(request, adapter, api) };
}

const details = (status: string, url: string, transType = 'xa') =>
  ({
    transaction: { transType, status },
    branches: [{ branchId: '01', op: 'rollback', url }],
  }) as unknown as TransactionDetails;

describe('an XA branch', () => {
  it('does its work and registers the URL of the second phase, at its own coordinator', async () => {
    const { log, api, branch } = fixture();
    expect(branch.isSecondPhase).toBe(false);
    expect(await branch.call(async (tx) => `worked on ${tx}`)).toBe('worked on connection');
    expect(log).toEqual(['prepare g 01', 'registerBranch 01']);
    expect(api.branches).toEqual([{ gid: 'g', transType: 'xa', branchId: '01', url: URL }]);
  });

  it.each(['commit', 'rollback'])('does what dtm has decided: %s', async (op) => {
    const { log, branch } = fixture({ op, phase2Url: undefined });
    expect(branch.isSecondPhase).toBe(true);
    await branch.finish();
    expect(log).toEqual([`${op} 01`]);
  });

  it('does not mix up its phases', async () => {
    await expect(fixture().branch.finish()).rejects.toThrow(
      'this request is an action, not a commit or rollback; call call()',
    );
    await expect(fixture({ op: 'commit' }).branch.call(async () => undefined)).rejects.toThrow(
      'this request is a commit, not an action; call finish()',
    );
  });

  it.each<Partial<BranchContext>>([
    { transType: 'tcc', op: 'try' },
    { transType: 'saga' },
    { op: 'compensate' },
    { phase2Url: undefined },
  ])('is refused for %j', (context) => {
    expect(() => fixture(context)).toThrow(DtmArgumentError);
  });

  describe('that cannot be registered', () => {
    const registered = new DtmServerError('storage: UniqueKeyConflict: branch 01 is registered already');

    it('continues when an earlier call has registered it', async () => {
      const { api, branch } = fixture();
      api.fail('registerBranch', registered);
      api.details = details('prepared', URL);
      expect(await branch.call(async () => 'done')).toBe('done');
    });

    it.each<[string, TransactionDetails | undefined]>([
      ['the transaction is unknown', undefined],
      ['the transaction is being rolled back', details('aborting', URL)],
      ['it is registered with another URL', details('prepared', 'http://other')],
      ['the transaction is of another mode', details('prepared', URL, 'tcc')],
    ])('fails with the error of the coordinator when %s', async (_, found) => {
      const { api, branch } = fixture();
      api.fail('registerBranch', registered);
      api.details = found;
      await expect(branch.call(async () => 'done')).rejects.toBe(registered);
    });

    it('fails with the error of the coordinator when the query fails too', async () => {
      const { api, branch } = fixture();
      api.fail('registerBranch', registered).fail('query', new DtmConnectionError('gone'));
      await expect(branch.call(async () => 'done')).rejects.toBe(registered);
    });

    it.each([new DtmFailureError('no trans with gid'), new DtmConnectionError('timed out')])(
      'fails at once with %s',
      async (error) => {
        const { log, api, branch } = fixture();
        api.fail('registerBranch', error);
        await expect(branch.call(async () => 'done')).rejects.toBe(error);
        expect(log).not.toContain('query');
      },
    );
  });
});
