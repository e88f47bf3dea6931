import { randomUUID } from 'node:crypto';
import { BranchBarrier } from 'nestjs-dtm/barrier';
import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { BranchStory, defaultTable, type BarrierFixture } from '../barrier-fixture.js';

/** Ids that a database could cut, alter or confuse. */
export function identifiers<Tx>(fixture: () => BarrierFixture<Tx>): void {
  const act = (story: BranchStory<Tx>) => story.request('action').call(fixture().adapter(), story.work('action'));

  it('accepts a gid of 128 characters and refuses one of 129', async () => {
    const start = randomUUID();
    for (const filling of ['x', '\u{1f600}', '\u{4e2d}']) {
      const gid = start + filling.repeat(128 - start.length);
      const story = new BranchStory(fixture(), gid);
      expect(await act(story)).toBe('did action');
      expect(await act(story)).toBeUndefined();
      expect(() => new BranchStory(fixture(), gid + filling).request('action')).toThrow(DtmArgumentError);
    }
  });

  it('distinguishes gids that look alike', async () => {
    const stem = randomUUID();
    const alike = [
      '',
      'a',
      'A',
      'a1',
      'a10',
      'e',
      'é',
      'e\u0301',
      'ss',
      'ß',
      'I',
      'ı',
      'a b',
      'a\u00a0b',
      '\u{1f600}',
      '\u{1f601}',
      '?',
    ];
    for (const ending of alike) expect(await act(new BranchStory(fixture(), stem + ending)), ending).toBe('did action');
    for (const ending of alike) expect(await act(new BranchStory(fixture(), stem + ending)), ending).toBeUndefined();
  });

  it('is not confused by a row of another client whose gid ends in a blank', async () => {
    const story = new BranchStory(fixture());
    await fixture().rows(
      `insert into ${defaultTable(fixture().dialect)} (trans_type, gid, branch_id, op, barrier_id, reason) ` +
        `values ('saga', '${story.gid} ', '01', 'action', '01', 'action')`,
    );
    expect(await act(story)).toBe('did action');
  });

  it('treats quotes and similar characters as plain text', async () => {
    for (const text of [`'; drop table effect --`, `"`, '`', '\\', `\\'`, '$1', '?', '%', ':name', '/*', '{}']) {
      // ";" is refused by the barrier, so it is left out
      const story = new BranchStory(fixture(), randomUUID() + text.replace(';', ''));
      expect(await act(story), text).toBe('did action');
      expect(await act(story), text).toBeUndefined();
    }
  });

  it('accepts any operation name of 45 characters, also names of properties', async () => {
    const { gid } = new BranchStory(fixture());
    for (const op of ['constructor', '__proto__', 'x'.repeat(45)]) {
      const barrier = () => new BranchBarrier({ gid, transType: 'workflow', branchId: '00', op });
      expect(await barrier().call(fixture().adapter(), async () => 'ran')).toBe('ran');
      expect(await barrier().call(fixture().adapter(), async () => 'ran')).toBeUndefined();
    }
  });
}
