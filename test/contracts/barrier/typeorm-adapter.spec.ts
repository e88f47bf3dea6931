import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import libsql from 'libsql';
import type { BarrierAdapter } from 'nestjs-dtm/barrier';
import { typeOrmBarrier } from 'nestjs-dtm/barrier/typeorm';
import { DtmBarrierError, DtmConfigError } from 'nestjs-dtm/protocol';
import { DataSource, type EntityManager } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

describe('typeOrmBarrier', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-dtm-barrier-'));
  const options = { type: 'better-sqlite3', driver: libsql, database: join(folder, 'db'), timeout: 0 } as const;
  let dataSource: DataSource;
  let fixture: BarrierFixture<EntityManager>;
  let story: BranchStory<EntityManager>;
  beforeAll(async () => {
    fixture = await typeOrmFixture(options);
    await prepare(fixture);
    dataSource = await new DataSource(options).initialize();
  });
  afterAll(async () => {
    await dataSource?.destroy();
    await fixture?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    story = new BranchStory(fixture);
  });

  it('gives business code the EntityManager', () => {
    expectTypeOf(typeOrmBarrier).returns.toEqualTypeOf<BarrierAdapter<EntityManager>>();
  });

  it.each(['cockroachdb', 'mssql', 'oracle', 'mongodb', 'toString'])('refuses a data source of type %s', (type) => {
    const other = { options: { type } } as unknown as DataSource;
    expect(() => typeOrmBarrier(other)).toThrow(DtmConfigError);
    expect(() => typeOrmBarrier(other)).toThrow(/postgres, mysql, mariadb, better-sqlite3, sqlite, sqljs/);
  });

  it('reports a data source that is not initialized', async () => {
    const call = story.request('action').call(typeOrmBarrier(new DataSource(options)), story.work('action'));
    await expect(call).rejects.toThrow(DtmBarrierError);
  });

  it('takes one transaction after the other on the shared connection', async () => {
    const barrier = story.request('action');
    const calls = Array.from({ length: 10 }, (_, index) =>
      barrier.call(typeOrmBarrier(dataSource), async (manager) => {
        await story.work(`action ${index}`)(manager);
        await new Promise(setImmediate);
        if (index % 2 === 1) throw new Error('no');
      }),
    );
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual(calls.map((_, index) => index % 2 === 0));
    expect(await story.effects()).toEqual(['action 0', 'action 2', 'action 4', 'action 6', 'action 8']);
  });

  it('refuses a call inside another one, which would wait for itself', async () => {
    const barrier = story.request('action');
    const nested = barrier.call(typeOrmBarrier(dataSource), () =>
      barrier.call(typeOrmBarrier(dataSource), story.work('never')),
    );
    await expect(nested).rejects.toThrow(DtmConfigError);
    expect(await barrier.call(typeOrmBarrier(dataSource), story.work('action'))).toBe('did action');
  });

  it('does not join an open transaction of other code', async () => {
    await dataSource.transaction(async (manager) => {
      const call = story.request('action').call(typeOrmBarrier(dataSource), story.work('never'));
      await expect(call).rejects.toThrow(/another transaction is open .*retry/);
      expect(await story.request('action').join(typeOrmBarrier(dataSource), manager, story.work('action'))).toBe(
        'did action',
      );
    });
    expect(await story.effects()).toEqual(['action']);
  });

  it('says "retry" while another connection writes', async () => {
    const other = await fixture.begin();
    await story.work('other')(other.tx);
    const call = story.request('action').call(typeOrmBarrier(dataSource), story.work('action'));
    await expect(call).rejects.toThrow(/this transaction conflicts with another transaction .*retry/);
    await other.commit();
    expect(await story.request('action').call(typeOrmBarrier(dataSource), story.work('action'))).toBe('did action');
  });

  it('reports a transaction that the business code ended itself', async () => {
    const call = story.request('action').call(typeOrmBarrier(dataSource), async (manager) => {
      await story.work('action')(manager);
      await manager.queryRunner?.rollbackTransaction();
    });
    await expect(call).rejects.toThrow(/the transaction ended or failed while the business code ran.*retry/);
    expect(await story.effects()).toEqual([]);
  });

  it('joins a nested transaction, and is rolled back with it', async () => {
    await dataSource.transaction(async (outer) => {
      const inner = outer.transaction(async (manager) => {
        await story.request('action').join(typeOrmBarrier(dataSource), manager, story.work('action'));
        throw new Error('no');
      });
      await expect(inner).rejects.toThrow('no');
    });
    expect(await story.barrierRows()).toEqual([]);
  });
});
