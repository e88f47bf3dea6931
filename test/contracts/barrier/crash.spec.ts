import { DtmBarrierError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { BranchStory, prepare, type BarrierBed } from './barrier-bed.js';
import { pgPoolBed } from './beds/pg-pool-bed.js';
import { mysql2PoolBed } from './beds/mysql2-pool-bed.js';
import { typeOrmBed } from './beds/typeorm-bed.js';

const logging = false;

crashes('postgres', 'pgBarrier on PostgreSQL', startPostgres, ({ url }) => pgPoolBed(url));
crashes('postgres', 'typeOrmBarrier on PostgreSQL', startPostgres, ({ url }) =>
  typeOrmBed({ type: 'postgres', url, logging }),
);
crashes('mariadb', 'mysql2Barrier on MariaDB', startMariadb, ({ url }) => mysql2PoolBed(url));
crashes('mariadb', 'typeOrmBarrier on MariaDB', startMariadb, ({ url }) =>
  typeOrmBed({ type: 'mariadb', url, logging }),
);

/** What is left of a branch when its database dies under it. */
function crashes<Tx, Server extends MariadbServer | PostgresServer>(
  service: 'postgres' | 'mariadb',
  name: string,
  start: () => Promise<Server>,
  makeBed: (server: Server) => Promise<BarrierBed<Tx>>,
): void {
  const requirement = requireOrSkip(service);
  describe.skipIf(!requirement.available)(requirement.title(name), () => {
    let server: Server;
    let bed: BarrierBed<Tx>;
    beforeAll(async () => {
      server = await start();
      bed = await makeBed(server);
      await prepare(bed);
    });
    afterAll(async () => {
      await bed?.close();
      await server?.stop();
    });

    it('keeps nothing of a running branch, everything of a finished one, and runs each once', async () => {
      const [done, underWay] = [new BranchStory(bed), new BranchStory(bed)];
      const act = (story: BranchStory<Tx>) => story.request('action').call(bed.adapter(), story.work('action'));
      expect(await act(done)).toBe('did action');

      const killed = underWay.request('action').call(bed.adapter(), async (tx) => {
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
