import { DtmDuplicatedError, type BranchOp, type TransType } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { BranchStory, type BarrierFixture, type Run } from '../barrier-fixture.js';

/** Forward operation, the operation that undoes it, and where the two occur. */
const PAIRS: readonly (readonly [BranchOp, BranchOp, TransType])[] = [
  ['action', 'compensate', 'saga'],
  ['try', 'cancel', 'tcc'],
  ['action', 'rollback', 'workflow'],
];

/** The table of docs/protocol.md#barrier-algorithm. */
export function decisions<Tx>(fixture: () => BarrierFixture<Tx>, run: Run): void {
  for (const [forward, undo, transType] of PAIRS) {
    const start = () => {
      const story = new BranchStory(fixture());
      const ask = (op: BranchOp) => run(fixture(), story.request(op, transType), story.work(op));
      return { story, ask };
    };

    it(`runs a first ${forward} and returns its result`, async () => {
      const { story, ask } = start();
      expect(await ask(forward)).toBe(`did ${forward}`);
      expect(await story.effects()).toEqual([forward]);
      expect(await story.barrierRows()).toEqual([`${forward}/01 by ${forward}`]);
    });

    it(`skips a repeated ${forward}`, async () => {
      const { story, ask } = start();
      await ask(forward);
      expect(await ask(forward)).toBeUndefined();
      expect(await story.effects()).toEqual([forward]);
    });

    it(`runs a ${undo} after the ${forward}`, async () => {
      const { story, ask } = start();
      await ask(forward);
      expect(await ask(undo)).toBe(`did ${undo}`);
      expect(await story.effects()).toEqual([forward, undo].toSorted());
      expect(await story.barrierRows()).toEqual([`${forward}/01 by ${forward}`, `${undo}/01 by ${undo}`].toSorted());
    });

    it(`skips a repeated ${undo}`, async () => {
      const { story, ask } = start();
      await ask(forward);
      await ask(undo);
      expect(await ask(undo)).toBeUndefined();
      expect(await story.effects()).toEqual([forward, undo].toSorted());
    });

    it(`skips a ${undo} whose ${forward} never ran, and keeps both rows`, async () => {
      const { story, ask } = start();
      expect(await ask(undo)).toBeUndefined();
      expect(await story.effects()).toEqual([]);
      expect(await story.barrierRows()).toEqual([`${forward}/01 by ${undo}`, `${undo}/01 by ${undo}`].toSorted());
      expect(await ask(undo)).toBeUndefined();
    });

    it(`skips a ${forward} that arrives after its ${undo}`, async () => {
      const { story, ask } = start();
      await ask(undo);
      expect(await ask(forward)).toBeUndefined();
      expect(await ask(undo)).toBeUndefined();
      expect(await story.effects()).toEqual([]);
    });

    it(`skips the ${undo} of a ${forward} that failed`, async () => {
      const { story, ask } = start();
      const failure = run(fixture(), story.request(forward, transType), async (tx) => {
        await story.work(forward)(tx);
        throw new Error('no');
      });
      await expect(failure).rejects.toThrow('no');
      expect(await ask(undo)).toBeUndefined();
      expect(await story.effects()).toEqual([]);
    });
  }

  it.each(['confirm', 'commit'] as const)('runs a %s once, without a row for its forward operation', async (op) => {
    const story = new BranchStory(fixture());
    expect(await run(fixture(), story.request(op), story.work(op))).toBe(`did ${op}`);
    expect(await run(fixture(), story.request(op), story.work(op))).toBeUndefined();
    expect(await story.effects()).toEqual([op]);
    expect(await story.barrierRows()).toEqual([`${op}/01 by ${op}`]);
  });

  it('refuses a message that was decided before', async () => {
    const story = new BranchStory(fixture());
    const send = () => run(fixture(), story.request('msg', 'msg'), story.work('msg'));
    expect(await send()).toBe('did msg');
    await expect(send()).rejects.toBeInstanceOf(DtmDuplicatedError);
    expect(await story.effects()).toEqual(['msg']);
    expect(await story.barrierRows()).toEqual(['msg/01 by msg']);
  });

  it('pairs the n-th use of an action with the n-th use of its compensation', async () => {
    const story = new BranchStory(fixture());
    const action = story.request('action');
    await run(fixture(), action, story.work('action 1'));
    await expect(run(fixture(), action, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await run(fixture(), action, story.work('action 3'));

    const compensation = story.request('compensate');
    expect(await run(fixture(), compensation, story.work('compensate 1'))).toBe('did compensate 1');
    expect(await run(fixture(), compensation, story.work('compensate 2'))).toBeUndefined();
    expect(await run(fixture(), compensation, story.work('compensate 3'))).toBe('did compensate 3');

    expect(await story.effects()).toEqual(['action 1', 'action 3', 'compensate 1', 'compensate 3']);
    expect(await story.barrierRows()).toEqual([
      'action/01 by action',
      'action/02 by compensate',
      'action/03 by action',
      'compensate/01 by compensate',
      'compensate/02 by compensate',
      'compensate/03 by compensate',
    ]);
  });

  it('distinguishes the branches of a transaction', async () => {
    const story = new BranchStory(fixture());
    const other = new BranchStory(fixture());
    await run(fixture(), story.request('action'), story.work('action'));
    await run(fixture(), other.request('action'), other.work('action'));
    expect(await story.effects()).toEqual(['action']);
    expect(await other.effects()).toEqual(['action']);
  });
}
