import { PGlite } from '@electric-sql/pglite';
import { Test } from '@nestjs/testing';
import { DtmModule, type DtmDatabaseOptions } from 'nestjs-dtm';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { expect, it, onTestFinished } from 'vitest';

/** Bootstraps an application with these databases. */
async function bootstrap(databases: Record<string, DtmDatabaseOptions>): Promise<void> {
  const dtm = DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }), databases });
  const module = await Test.createTestingModule({ imports: [dtm] }).compile();
  onTestFinished(() => module.close());
  await module.init();
}

function database(): PGlite {
  const made = new PGlite();
  onTestFinished(() => made.close());
  return made;
}

it('the option table creates or checks the barrier table of each database', async () => {
  const [bank, audit] = [database(), database()];
  await bootstrap({ bank: { barrier: pgBarrier(bank), table: 'create' } });
  expect((await bank.query('select * from dtm_barrier.barrier')).rows).toEqual([]);

  const checked = { barrier: pgBarrier(audit), table: 'check' } as const;
  const missing = bootstrap({ bank: { barrier: pgBarrier(bank), table: 'check' }, audit: checked });
  await expect(missing).rejects.toThrow(DtmBarrierError);
  await expect(missing).rejects.toThrow(/databases\.audit: .*"dtm_barrier"\."barrier" is missing; create it with/);

  await pgBarrier(audit).createTable();
  await bootstrap({ audit: checked });
});

it('without the option the bootstrap does not touch the databases', async () => {
  await bootstrap({ default: { barrier: pgBarrier(database()) } });
});
