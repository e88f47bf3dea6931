import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariadb } from '../../services/mariadb.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import type { ServerControl } from '../../services/server.mjs';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { MYSQL_SESSIONS, mysql2PoolFixture } from './fixtures/mysql2-pool-fixture.js';
import { POSTGRES_SESSIONS, pgPoolFixture } from './fixtures/pg-pool-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

/** A server that an operator makes read-only, as a failover does, while pools are connected to it. */
interface Kind {
  readonly service: 'postgres' | 'mariadb';
  readonly error: RegExp;
  readonly sessions: { own: string; alive(id: unknown): string };
  start(): Promise<ServerControl & { readonly url: string }>;
  /** Statements of an operator. */
  readonly prepare: readonly string[];
  setReadOnly(isReadOnly: boolean): readonly string[];
  /** Access of an application, which has no right to write to a read-only server. */
  urlOf(url: string): string;
  operator(url: string): Promise<BarrierFixture<never>>;
  readonly fixtures: Readonly<Record<string, (url: string) => Promise<BarrierFixture<never>>>>;
}

const KINDS: readonly Kind[] = [
  {
    service: 'mariadb',
    error: /accepts no writes.*--read-only/,
    sessions: MYSQL_SESSIONS,
    start: () => startMariadb(),
    prepare: [
      `create user app@'127.0.0.1' identified by 'app'`,
      `grant all on dtm.* to app@'127.0.0.1'`,
      `grant all on dtm_barrier.* to app@'127.0.0.1'`,
    ],
    setReadOnly: (isReadOnly) => [`set global read_only = ${isReadOnly ? 1 : 0}`],
    urlOf: (url) => url.replace('dtm:dtm@', 'app:app@'),
    operator: (url) => mysql2PoolFixture(url) as Promise<BarrierFixture<never>>,
    fixtures: {
      mysql2Barrier: (url) => mysql2PoolFixture(url, 1) as Promise<BarrierFixture<never>>,
      typeOrmBarrier: (url) =>
        typeOrmFixture({ type: 'mariadb', url, poolSize: 1, extra: { connectionLimit: 1 } }) as Promise<
          BarrierFixture<never>
        >,
    },
  },
  {
    service: 'postgres',
    error: /accepts no writes.*read-only transaction/,
    sessions: POSTGRES_SESSIONS,
    start: () => startPostgres(),
    prepare: [],
    setReadOnly: (isReadOnly) => [
      `alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
      'select pg_reload_conf()',
    ],
    urlOf: (url) => url,
    operator: (url) => pgPoolFixture(url) as Promise<BarrierFixture<never>>,
    fixtures: {
      pgBarrier: (url) => pgPoolFixture(url, 1) as Promise<BarrierFixture<never>>,
      typeOrmBarrier: (url) =>
        typeOrmFixture({ type: 'postgres', url, extra: { max: 1 } }) as Promise<BarrierFixture<never>>,
    },
  },
];

for (const { service, error, sessions, fixtures, ...kind } of KINDS) {
  const needs = requireOrSkip(service);
  describe.skipIf(!needs.available)(needs.title(`a ${service} that becomes read-only`), () => {
    let server: Awaited<ReturnType<Kind['start']>>;
    let operator: BarrierFixture<never>;
    beforeAll(async () => {
      server = await kind.start();
      operator = await kind.operator(server.url);
      await prepare(operator);
      for (const statement of kind.prepare) await operator.rows(statement);
    });
    afterAll(async () => {
      await operator?.close();
      await server?.stop();
    });

    async function setReadOnly(fixture: BarrierFixture<never>, isReadOnly: boolean): Promise<void> {
      for (const statement of kind.setReadOnly(isReadOnly)) await operator.rows(statement);
      if (service === 'mariadb') return;
      // the sessions read the configuration a moment later
      const expected = isReadOnly ? 'on' : 'off';
      for (const asked of [fixture, operator]) {
        await expect
          .poll(() => asked.rows('show default_transaction_read_only'))
          .toEqual([{ default_transaction_read_only: expected }]);
      }
    }

    it.each(Object.entries(fixtures))(
      'loses the connection of %s, which works on a new one afterwards',
      async (_, create) => {
        const fixture = await create(kind.urlOf(server.url));
        try {
          const call = () => {
            const story = new BranchStory(fixture);
            return story.request('action').call(fixture.adapter(), async (tx) => {
              await story.work('action')(tx);
              return (await fixture.query(tx, sessions.own))[0]!['id'];
            });
          };
          const first = await call();
          expect(await call()).toBe(first);
          await setReadOnly(fixture, true);
          const refused = call();
          await expect(refused).rejects.toThrow(DtmBarrierError);
          await expect(refused).rejects.toThrow(error);
          await expect.poll(() => operator.rows(sessions.alive(first))).toEqual([]);
          await setReadOnly(fixture, false);
          expect(await call()).not.toBe(first);
        } finally {
          await setReadOnly(fixture, false);
          await fixture.close();
        }
      },
    );
  });
}
