import { BranchBarrier, type BarrierContext, type BarrierRow } from 'nestjs-dtm/barrier';
import { DtmArgumentError, DtmBarrierError, DtmConfigError, DtmFailureError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from './memory-adapter.js';

const context: BarrierContext = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' };

const broken = () => Promise.reject(new Error('the database is on fire'));

describe('BranchBarrier', () => {
  it.each<[string, Record<string, unknown>]>([
    ['an empty gid', { gid: '' }],
    ['a gid of 129 characters', { gid: 'x'.repeat(129) }],
    ['a gid with a blank at its end', { gid: 'g1 ' }],
    ['a gid with a semicolon', { gid: 'g;1' }],
    ['a gid with a line break', { gid: 'g\n1' }],
    ['a gid that is no text', { gid: 1 }],
    ['an empty branch id', { branchId: '' }],
    ['a branch id of 129 characters', { branchId: 'x'.repeat(129) }],
    ['an empty op', { op: '' }],
    ['an op of 46 characters', { op: 'x'.repeat(46) }],
    ['a transaction mode that does not exist', { transType: 'SAGA' }],
    ['no transaction mode', { transType: undefined }],
  ])('refuses %s', (_, change) => {
    expect(() => new BranchBarrier({ ...context, ...change } as BarrierContext)).toThrow(DtmArgumentError);
  });

  it('does not change with the object of the caller', () => {
    const request = { ...context, phase2Url: 'http://there' };
    const barrier = new BranchBarrier(request);
    request.gid = 'another';
    expect(barrier.context).toEqual(context);
    expect(Object.isFrozen(barrier.context)).toBe(true);
  });

  it.each([
    [
      'call',
      undefined,
      /^barrier\.call\(\) got undefined in place of a barrier adapter; pass the adapter .* typeOrmBarrier\(dataSource\)/,
    ],
    ['call', { query: () => undefined }, /^barrier\.call\(\) got an object in place of a barrier adapter/],
    ['join', undefined, /^barrier\.join\(\) got undefined in place of a barrier adapter/],
  ] as const)('%s without an adapter names what is missing: %o', async (method, adapter, message) => {
    const barrier = new BranchBarrier({ gid: 'g', transType: 'saga', branchId: '01', op: 'action' });
    const work = async (): Promise<void> => undefined;
    const used =
      method === 'call' ? barrier.call(adapter as never, work) : barrier.join(adapter as never, {} as never, work);
    await expect(used).rejects.toThrow(message);
    await expect(used).rejects.toThrow(DtmConfigError);
  });

  it('numbers its uses in the order of the calls, not in the order of execution', async () => {
    const inserted: BarrierRow[] = [];
    const started: (() => void)[] = [];
    const { adapter } = memoryAdapter({
      async transaction(work) {
        await new Promise<void>((resolve) => started.push(resolve));
        return work({ rows: new Map() });
      },
      async insert(_, row) {
        inserted.push(row);
        return true;
      },
    });
    const barrier = new BranchBarrier(context);
    const first = barrier.call(adapter, async () => 'first');
    const second = barrier.join(adapter, { rows: new Map() }, async () => 'second');
    const third = barrier.call(adapter, async () => 'third');
    started[1]?.();
    await third;
    started[0]?.();
    await Promise.all([first, second]);
    expect(inserted.map(({ barrierId }) => barrierId)).toEqual(['02', '03', '01']);
    expect(inserted[0]).toEqual({ ...context, barrierId: '02', reason: 'action' });
  });

  it('numbers with at least two digits', async () => {
    const { adapter, rows } = memoryAdapter();
    const barrier = new BranchBarrier(context);
    for (let count = 1; count <= 100; count++) await barrier.call(adapter, async () => {});
    expect(rows()).toEqual(expect.arrayContaining(['g1/01/action/01', 'g1/01/action/99', 'g1/01/action/100']));
  });

  it('inserts the row of the forward operation first', async () => {
    const { adapter, rows } = memoryAdapter();
    const cancel = new BranchBarrier({ ...context, transType: 'tcc', op: 'cancel' });
    expect(await cancel.call(adapter, async () => 'never')).toBeUndefined();
    expect(rows()).toEqual(['g1/01/try/01', 'g1/01/cancel/01']);
  });

  it.each([1, 0, null, undefined, 'true', { affectedRows: 1 }])('refuses %o from insert()', async (answer) => {
    const { adapter, rows } = memoryAdapter({ insert: async () => answer as never });
    const call = new BranchBarrier(context).call(adapter, async () => 'never');
    await expect(call).rejects.toThrow(DtmBarrierError);
    await expect(call).rejects.toThrow(/must return true or false/);
    expect(rows()).toEqual([]);
  });

  it('throws the error of the business code, even when the library wraps or swallows it', async () => {
    const failure = new DtmFailureError('no');
    const wraps = memoryAdapter({
      transaction: (work) =>
        work({ rows: new Map() }).catch((error: unknown) => {
          throw new Error('transaction failed', { cause: error });
        }),
    });
    const swallows = memoryAdapter({
      transaction: (work) => work({ rows: new Map() }).catch(() => undefined as never),
    });
    for (const { adapter } of [wraps, swallows]) {
      await expect(new BranchBarrier(context).call(adapter, () => Promise.reject(failure))).rejects.toBe(failure);
    }
  });

  it('forgets the error of an attempt that the library repeated', async () => {
    const { adapter } = memoryAdapter({
      transaction: (work) => work({ rows: new Map() }).catch(() => work({ rows: new Map() })),
    });
    let attempts = 0;
    const result = await new BranchBarrier(context).call(adapter, async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('write conflict');
      return 'ran';
    });
    expect(result).toBe('ran');
  });

  it.each([
    ['opens no transaction', { transaction: broken }],
    ['cannot insert', { insert: broken }],
    ['cannot commit', { transaction: (work) => work({ rows: new Map() }).then(broken) }],
    ['cannot verify', { verify: broken }],
  ] as [string, Parameters<typeof memoryAdapter>[0]][])(
    'says "retry" and keeps the cause when the database %s',
    async (_, changes) => {
      const { adapter } = memoryAdapter(changes);
      const call = new BranchBarrier(context).call(adapter, async () => 'done');
      await expect(call).rejects.toThrow(DtmBarrierError);
      await expect(call).rejects.toThrow(
        /g1, branch 01, op action .*the database is on fire; the coordinator will retry/,
      );
      await expect(call).rejects.toMatchObject({ gid: 'g1', cause: { message: 'the database is on fire' } });
    },
  );

  it('lets the adapter describe its errors, and throws errors of the package unchanged', async () => {
    const explained = memoryAdapter({ insert: broken, describeError: () => 'call the fire brigade' });
    await expect(new BranchBarrier(context).call(explained.adapter, async () => {})).rejects.toThrow(
      /could not insert its row: call the fire brigade; the coordinator will retry/,
    );
    const wiring = new DtmConfigError('wired wrongly');
    const wrong = memoryAdapter({ transaction: () => Promise.reject(wiring) });
    await expect(new BranchBarrier(context).call(wrong.adapter, async () => {})).rejects.toBe(wiring);
  });

  it('verifies its row only after the business code ran', async () => {
    const verified: string[] = [];
    const { adapter } = memoryAdapter({ verify: async (_, row) => void verified.push(row.op) });
    await new BranchBarrier({ ...context, op: 'compensate' }).call(adapter, async () => {});
    await new BranchBarrier(context).call(adapter, async () => {});
    expect(verified).toEqual([]);
    await new BranchBarrier({ ...context, op: 'commit' }).call(adapter, async () => {});
    expect(verified).toEqual(['commit']);
  });

  it('checks the transaction before it uses it', async () => {
    const refused = new DtmArgumentError('not a transaction');
    const { adapter } = memoryAdapter({
      assertTransaction: () => {
        throw refused;
      },
      insert: broken,
    });
    await expect(new BranchBarrier(context).join(adapter, { rows: new Map() }, async () => {})).rejects.toBe(refused);
  });
});
