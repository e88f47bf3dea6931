import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { pgPoolFixture } from './fixtures/pg-pool-fixture.js';
import { mysql2PoolFixture } from './fixtures/mysql2-pool-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

const logging = false;

crashes('postgres', 'pgBarrier on PostgreSQL', startPostgres, ({ url }) => pgPoolFixture(url));
crashes('postgres', 'typeOrmBarrier on PostgreSQL', startPostgres, ({ url }) =>
  typeOrmFixture({ type: 'postgres', url, logging }),
);
crashes('mariadb', 'mysql2Barrier on MariaDB', startMariadb, ({ url }) => mysql2PoolFixture(url));
crashes('mariadb', 'typeOrmBarrier on MariaDB', startMariadb, ({ url }) =>
  typeOrmFixture({ type: 'mariadb', url, logging }),
);

/** What is left of a branch when its database dies under it. */
function crashes<Tx, Server extends MariadbServer | PostgresServer>(
  service: 'postgres' | 'mariadb',
  name: string,
  start: () => Promise<Server>,
  makeFixture: (server: Server) => Promise<BarrierFixture<Tx>>,
): void {
  const requirement = requireOrSkip(service);
  describe.skipIf(!requirement.available)(requirement.title(name), () => {
    let server: Server;
    let fixture: BarrierFixture<Tx>;
    beforeAll(async () => {
      server = await start();
      fixture = await makeFixture(server);
      await prepare(fixture);
    });
    afterAll(async () => {
      await fixture?.close();
      await server?.stop();
    });

    it('keeps nothing of a running branch, everything of a finished one, and runs each once', async () => {
      const [done, underWay] = [new BranchStory(fixture), new BranchStory(fixture)];
      const act = (story: BranchStory<Tx>) => story.request('action').call(fixture.adapter(), story.work('action'));
      expect(await act(done)).toBe('did action');

      const killed = underWay.request('action').call(fixture.adapter(), async (tx) => {
        await underWay.work('action')(tx);
        await server.kill();
      });
      await expect(killed).rejects.toThrow(/retry/);
      await expect(act(underWay)).rejects.toThrow(DtmBarrierError);
      await expect(act(underWay)).rejects.toThrow(/connection to the database was lost or could not be made/);

      await server.restart();
      expect(await underWay.effects()).toEqual([]);
      expect(await act(underWay)).toBe('did action');
      expect(await act(done)).toBeUndefined();
      expect(await done.effects()).toEqual(['action']);
      expect(await underWay.effects()).toEqual(['action']);
    });
  });
}
