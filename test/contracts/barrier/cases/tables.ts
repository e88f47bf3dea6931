import { randomUUID } from 'node:crypto';
import type { BarrierTableOptions, SqlDialectName } from 'nestjs-dtm/barrier/sql';
import { barrierTableSql } from 'nestjs-dtm/barrier/sql';
import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { BranchStory, defaultTable, type BarrierFixture } from '../barrier-fixture.js';
import { goTable } from '../go-table.js';

const newName = (): string => `b_${randomUUID().replaceAll('-', '').slice(0, 12)}`;

/** The barrier table: made by us, made by others, missing. */
export function tables<Tx>(fixture: () => BarrierFixture<Tx>): void {
  const drop = (sql: string) => onTestFinished(async () => void (await fixture().rows(sql)));
  const dropSchema = (dialect: SqlDialectName, schema: string) => {
    if (dialect === 'postgres') drop(`drop schema "${schema}" cascade`);
    if (dialect === 'mysql') drop(`drop database \`${schema}\``);
  };
  const works = async (options: BarrierTableOptions, table: string) => {
    const story = new BranchStory(fixture());
    const adapter = fixture().adapter(options);
    expect(await story.request('compensate').call(adapter, story.work('compensate'))).toBeUndefined();
    expect(await story.request('action').call(adapter, story.work('action'))).toBeUndefined();
    expect(await story.barrierRows(table)).toEqual(['action/01 by compensate', 'compensate/01 by compensate']);
    expect(await story.barrierRows()).toEqual([]);
  };

  it('names a missing table and the two ways to create it', async () => {
    const { dialect } = fixture();
    const table = newName();
    for (const schema of dialect === 'sqlite' ? [''] : ['', 'dtm_barrier', newName()]) {
      const story = new BranchStory(fixture());
      const adapter = fixture().adapter({ schema, table });
      const error: unknown = await story
        .request('action')
        .call(adapter, story.work('action'))
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DtmBarrierError);
      expect(error).toMatchObject({ gid: story.gid, cause: expect.anything() });
      const message = (error as Error).message;
      const quote = dialect === 'mysql' ? '`' : '"';
      expect(message).toContain(
        [schema, table]
          .filter(Boolean)
          .map((part) => quote + part + quote)
          .join('.'),
      );
      expect(message).toContain('await adapter.createTable()');
      expect(message).toContain(`barrierTableSql('${dialect}', ${JSON.stringify({ schema, table })})`);
      expect(await story.effects()).toEqual([]);
    }
  });

  it('is created once, also by several processes at once and repeatedly', async () => {
    const { dialect } = fixture();
    const options = dialect === 'sqlite' ? { table: newName() } : { schema: newName() };
    if (options.schema) dropSchema(dialect, options.schema);
    await Promise.all(Array.from({ length: 5 }, () => fixture().adapter(options).createTable()));
    await fixture().adapter(options).createTable();
    await works(options, options.schema ? `${options.schema}.barrier` : String(options.table));
  });

  it('is created once also by processes that have just created another', async () => {
    const { dialect } = fixture();
    const options = () => (dialect === 'sqlite' ? { table: newName() } : { schema: newName() });
    for (let round = 0; round < 5; round++) {
      const shared = options();
      const own = [options(), options(), options()];
      for (const { schema } of [shared, ...own]) if (schema) dropSchema(dialect, schema);
      const create = async (mine: BarrierTableOptions): Promise<void> => {
        await fixture().adapter(mine).createTable();
        await fixture().adapter(shared).createTable();
      };
      await Promise.all(own.map(create));
    }
  });

  it('can be created by the script, which can run repeatedly', async () => {
    const { dialect } = fixture();
    const options = { table: newName() };
    const script = barrierTableSql(dialect, options);
    for (const statement of [script, script].join('').split(';\n').filter(Boolean)) await fixture().rows(statement);
    const table = dialect === 'sqlite' ? options.table : `dtm_barrier.${options.table}`;
    drop(`drop table ${table}`);
    await works(options, table);
  });

  it('can be in the current schema, several of them side by side', async () => {
    for (const table of [newName(), newName()]) {
      await fixture().adapter({ schema: '', table }).createTable();
      drop(`drop table ${table}`);
      await works({ schema: '', table }, table);
    }
  });

  it('can have names that need quotes', async () => {
    const { dialect } = fixture();
    const options = dialect === 'sqlite' ? { table: 'Order-Select' } : { schema: 'Group-By', table: 'Order-Select' };
    if (options.schema) dropSchema(dialect, options.schema);
    else drop('drop table "Order-Select"');
    await fixture().adapter(options).createTable();
    await works(
      options,
      dialect === 'sqlite'
        ? '"Order-Select"'
        : dialect === 'mysql'
          ? '`Group-By`.`Order-Select`'
          : '"Group-By"."Order-Select"',
    );
  });

  it('has the time of each row, so that old rows can be deleted', async () => {
    const story = new BranchStory(fixture());
    await story.request('action').call(fixture().adapter(), story.work('action'));
    const table = defaultTable(fixture().dialect);
    const of = `gid = '${story.gid}'`;
    expect(
      await fixture().rows(
        `select 1 from ${table} where ${of} and create_time <= current_timestamp and update_time is not null`,
      ),
    ).toHaveLength(1);
    expect(await fixture().rows(`select 1 from ${table} where ${of} and create_time < '2020-01-01'`)).toHaveLength(0);
    expect(
      await fixture().rows(`select 1 from ${table} where ${of} and trans_type = 'saga' and branch_id = '01'`),
    ).toHaveLength(1);
  });

  it('can be one that Go dtm created', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect === 'sqlite') return skip('Go dtm has no table for SQLite');
    const schema = newName();
    dropSchema(dialect, schema);
    for (const statement of goTable(dialect, schema)) await fixture().rows(statement);
    await fixture().adapter({ schema }).createTable();
    await works({ schema }, `${schema}.barrier`);
    expect(await fixture().rows(`select 1 from ${schema}.barrier where create_time is null`)).toHaveLength(0);
  });

  it('works with the insert statement of Go dtm', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect === 'sqlite') return skip('Go dtm has no SQLite barrier');
    const story = new BranchStory(fixture());
    const columns = '(trans_type, gid, branch_id, op, barrier_id, reason)';
    const values = `('saga', '${story.gid}', '01', 'action', '01', 'compensate')`;
    await fixture().rows(
      dialect === 'postgres'
        ? `insert into dtm_barrier.barrier${columns} values${values} on conflict on constraint uniq_barrier do nothing`
        : `insert ignore into dtm_barrier.barrier${columns} values${values}`,
    );
    expect(await story.request('action').call(fixture().adapter(), story.work('action'))).toBeUndefined();
  });

  it('causes an error when its collation confuses ids, instead of skipping business code', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect !== 'mysql') return skip('only MySQL compares loosely by default');
    const schema = newName();
    dropSchema(dialect, schema);
    for (const statement of goTable(dialect, schema)) await fixture().rows(statement);
    const adapter = fixture().adapter({ schema });
    const [lower, upper] = ['a', 'A'].map((ending) => new BranchStory(fixture(), schema + ending)) as [
      BranchStory<Tx>,
      BranchStory<Tx>,
    ];
    expect(await lower.request('action').call(adapter, lower.work('action'))).toBe('did action');
    await expect(upper.request('action').call(adapter, upper.work('action'))).rejects.toThrow(/collation/);
    await expect(upper.request('action').call(adapter, upper.work('action'))).rejects.toBeInstanceOf(DtmBarrierError);
    expect(await lower.request('action').call(adapter, lower.work('action'))).toBeUndefined();
  });

  it('causes an error when it cannot store an id', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect !== 'mysql') return skip('only MySQL alters what it cannot store');
    const schema = newName();
    dropSchema(dialect, schema);
    for (const statement of goTable(dialect, schema)) await fixture().rows(statement.replace('utf8mb4', 'latin1'));
    const adapter = fixture().adapter({ schema });
    const story = new BranchStory(fixture(), `${schema}\u4e2d`);
    await expect(story.request('action').call(adapter, story.work('action'))).rejects.toBeInstanceOf(DtmBarrierError);
    expect(await story.effects()).toEqual([]);
  });

  it('without its unique key is refused', async ({ skip }) => {
    const { dialect } = fixture();
    if (dialect === 'mysql') return skip('an insert does not name its key here');
    const table = newName();
    const script = barrierTableSql(dialect, { schema: '', table }).replace(/,\s*constraint.*unique.*\n/, '\n');
    for (const statement of script.split(';\n').filter(Boolean)) await fixture().rows(statement);
    drop(`drop table ${table}`);
    const story = new BranchStory(fixture());
    await expect(
      story.request('action').call(fixture().adapter({ schema: '', table }), story.work('action')),
    ).rejects.toThrow(/no unique constraint/);
  });
}
