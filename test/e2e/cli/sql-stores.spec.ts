import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Participant } from '../../support/participant.js';
import { waitUntil } from '../../support/wait-until.js';
import { startMariadb } from '../../services/mariadb.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { ServeProcess } from './serve-process.js';

const DATABASES = [
  { driver: 'postgres', requirement: requireOrSkip('postgres'), startDatabase: startPostgres },
  { driver: 'mysql', requirement: requireOrSkip('mariadb'), startDatabase: startMariadb },
] as const;

for (const { driver, requirement, startDatabase } of DATABASES) {
  describe.skipIf(!requirement.available)(requirement.title(`nestjs-dtm serve on ${driver}`), () => {
    let database: Awaited<ReturnType<typeof startDatabase>>;
    beforeAll(async () => {
      database = await startDatabase();
    });
    afterAll(() => database?.stop());

    const env = (name: string) => ({
      STORE_DRIVER: driver,
      STORE_HOST: database.host,
      STORE_PORT: String(database.port),
      STORE_USER: database.user,
      STORE_PASSWORD: database.password,
      STORE_DB: name,
      RETRY_INTERVAL: '1',
      TRANS_CRON_INTERVAL: '0.05',
    });

    it('runs a transaction, and a new process resumes what a killed process has left', async () => {
      const participant = await Participant.start();
      participant.answer('/a', { status: 500 });
      const saga = {
        gid: 'g',
        trans_type: 'saga',
        steps: [{ action: participant.url('/a'), compensate: participant.url('/c') }],
        payloads: ['{}'],
      };
      const first = await ServeProcess.start({ env: env('taken_up') });
      expect(first.row('store')).toMatch(new RegExp(`^${driver} ${database.host}:${database.port}\\b.*\\btaken_up\\b`));
      expect(await first.submit(saga)).toBe(200);
      await participant.received(1);
      expect(await first.stop()).toBe(0);

      participant.answer('/a', {});
      const second = await ServeProcess.start({ env: env('taken_up') });
      expect(second.row('recovery')).toMatch(/^1 unfinished transaction resumed: 0 prepared, 1 submitted/);
      await waitUntil(async () => (await second.statusOf('g')) === 'succeed');
      expect(await second.stop()).toBe(0);
    });

    it('can be shared by two processes', async () => {
      const [first, second] = await Promise.all([
        ServeProcess.start({ env: env('shared') }),
        ServeProcess.start({ env: env('shared') }),
      ]);
      expect(await first.submit({ gid: 'g', trans_type: 'saga', steps: [], payloads: [], wait_result: true })).toBe(
        200,
      );
      expect(await second.statusOf('g')).toBe('succeed');
      expect([await first.stop(), await second.stop()]).toEqual([0, 0]);
    });

    it('refuses a connection without TLS when TLS is set', async () => {
      const serve = new ServeProcess({ env: { ...env('tls'), STORE_TLS: 'verify' } });
      expect(await serve.ended).toBe(1);
      expect(serve.stderr).toMatch(/^nestjs-dtm: .*(SSL|TLS|secure)/im);
    });

    it('reports a database that does not answer, without the password', async () => {
      const serve = new ServeProcess({ env: { ...env('x'), STORE_PORT: '1', STORE_PASSWORD: 'hunter2' } });
      expect(await serve.ended).toBe(1);
      expect(serve.stdout).toBe('');
      expect(serve.stderr).toMatch(new RegExp(`^nestjs-dtm: .*${driver}.*127\\.0\\.0\\.1:1`, 'm'));
      expect(serve.stderr).not.toMatch(/hunter2|^ +at /m);
    });
  });
}
