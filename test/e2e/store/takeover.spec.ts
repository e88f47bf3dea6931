import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mariadb, postgres, type SqlServer } from '../../contracts/store/sql-servers.js';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { waitUntil } from '../../support/wait-until.js';
import { Branches } from './branches.js';
import { startGo, startEmbedded, type RunningCoordinator } from './coordinators.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

interface Answer {
  readonly transaction: Readonly<Record<string, unknown>>;
  readonly branches: readonly Readonly<Record<string, unknown>>[];
}

const gidOf = (scenario: Scenario): string => `g${SCENARIOS.indexOf(scenario)}`;

async function query(coordinator: RunningCoordinator, gid: string): Promise<Answer> {
  return (await coordinator.get(`query?gid=${gid}`)) as Answer;
}

/** Fields that both coordinators must read equally. */
function essence({ transaction, branches }: Answer): unknown {
  const pick = (from: Readonly<Record<string, unknown>>, ...names: string[]): unknown[] =>
    names.map((name) => (name.endsWith('_time') ? from[name] && Date.parse(String(from[name])) : (from[name] ?? '')));
  return [
    pick(transaction, 'gid', 'trans_type', 'status', 'protocol', 'query_prepared', 'custom_data', 'result'),
    pick(transaction, 'rollback_reason', 'create_time', 'finish_time', 'rollback_time', 'next_cron_interval'),
    branches.map((branch) => pick(branch, 'branch_id', 'op', 'status', 'url', 'bin_data', 'finish_time')),
  ];
}

for (const { service, title, start } of [postgres, mariadb]) {
  const needs = requireOrSkip(service, 'dtm');
  describe.skipIf(!needs.available).each([
    ['started by the embedded coordinator and finished by Go dtm', startEmbedded, startGo],
    // on tables that Go dtm creates
    ['started by Go dtm and finished by the embedded coordinator', startGo, startEmbedded],
  ] as const)(needs.title(`on ${title}, transactions %s`), (_, startFirst, startSecond) => {
    let database: SqlServer;
    let branches: Branches;
    let second: RunningCoordinator;
    let again: RunningCoordinator | undefined;

    beforeAll(async () => {
      database = await start();
      branches = await Branches.start();
      const first = await startFirst(database, { createTables: startFirst === startGo });
      await first.get(`subscribe?topic=news&url=${encodeURIComponent(branches.url('ok'))}&remark=one`);
      await Promise.all(
        SCENARIOS.map((scenario) => scenario.begin(gidOf(scenario), first, (path) => branches.url(path))),
      );
      for (const scenario of SCENARIOS) await waitForProgress(scenario, first);
      await first.stop();
      branches.isOpen = true;
      second = await startSecond(database);
    });

    afterAll(async () => {
      await second?.stop();
      await again?.stop();
      await branches?.stop();
      await database?.stop();
    });

    /** Waits until the first coordinator can make no more progress. */
    async function waitForProgress(scenario: Scenario, first: RunningCoordinator): Promise<void> {
      const { reached, stored = [] } = scenario;
      const gid = gidOf(scenario);
      await waitUntil(() => !reached || branches.of(gid).some(({ branch }) => branch === reached));
      await waitUntil(async () => {
        const done = (await query(first, gid)).branches.filter(({ status }) => status === 'succeed');
        const names = new Set(done.map(({ branch_id, op }) => `${String(branch_id)} ${String(op)}`));
        return stored.every((name) => names.has(name));
      });
    }

    it.each(SCENARIOS.map((scenario) => [scenario.title, scenario] as const))('%s', async (_title, scenario) => {
      const gid = gidOf(scenario);
      const { repeated } = scenario;
      if (repeated) await waitUntil(() => branches.succeeded(gid).includes(repeated));
      await scenario.continue?.(gid, second);
      const isFinal = async (): Promise<boolean> =>
        ['succeed', 'failed'].includes(String((await query(second, gid)).transaction['status']));
      await waitUntil(isFinal);
      expect((await query(second, gid)).transaction).toMatchObject({ gid, status: scenario.status });
      const calls = branches.succeeded(gid);
      expect(repeated ? [...new Set(calls)] : calls).toEqual(scenario.calls);
    });

    it('also topics and their messages', async () => {
      const [before] = ((await second.get('queryKV?cat=topics&key=news')) as { kv: { v: string; version: number }[] })
        .kv;
      expect(before).toMatchObject({ version: 1 });
      expect(JSON.parse(before!.v)).toEqual([{ url: branches.url('ok'), remark: 'one' }]);
      await second.get(`subscribe?topic=news&url=${encodeURIComponent(branches.url('gated'))}&remark=two`);
      const submit = (): Promise<unknown> =>
        second.post('submit', {
          gid: 'news',
          trans_type: 'msg',
          steps: [{ action: 'topic://news' }],
          payloads: ['{}'],
        });
      // Go dtm sees its own change after up to three seconds
      await waitUntil(async () => {
        const { kv } = (await second.get('queryKV?cat=topics&key=news')) as { kv: { version: number }[] };
        return kv[0]?.version === 2;
      });
      await submit();
      await waitUntil(() => branches.succeeded('news').length > 0);
      expect(branches.succeeded('news')[0]).toMatch(/^01(-01)? action$/);
    });

    it('read equally by both, to the millisecond', async () => {
      const answers = await Promise.all(SCENARIOS.map((scenario) => query(second, gidOf(scenario))));
      await second.stop();
      again = await startFirst(database);
      for (const [index, scenario] of SCENARIOS.entries()) {
        expect(essence(await query(again, gidOf(scenario))), scenario.title).toEqual(essence(answers[index]!));
      }
    });
  });
}
