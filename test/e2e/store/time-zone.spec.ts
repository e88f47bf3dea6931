import { describe, expect, it, onTestFinished } from 'vitest';
import { branchOf, transactionOf } from '../../contracts/store/records.js';
import { mysqlStore } from '../../contracts/store/sql-stores.js';
import { mariadb } from '../../contracts/store/sql-servers.js';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { waitUntil } from '../../support/wait-until.js';
import { Branches } from './branches.js';
import { startGo } from './coordinators.js';

const needs = requireOrSkip('mariadb', 'dtm');

describe.skipIf(!needs.available)(needs.title('Go dtm on MariaDB in a time zone other than UTC'), () => {
  it('reads due times and creation times like a store with the same timeZone', async () => {
    const database = await mariadb.start();
    const branches = await Branches.start();
    onTestFinished(async () => {
      await branches.stop();
      await database.stop();
    });
    const { host, port } = database;
    const store = mysqlStore({ host, port, user: 'dtm', password: 'dtm', timeZone: '+08:00' });
    await store.open();
    onTestFinished(() => store.close());
    const now = Date.now();
    const branch = branchOf('01', { url: branches.url('ok') });
    const message = (gid: string, nextCronTime: number) => ({
      transaction: transactionOf(gid, { transType: 'msg', createTime: now, updateTime: now, nextCronTime }),
      branches: [branch],
    });
    await store.create(message('due', now));
    await store.create(message('later', now + 3_600_000));

    const go = await startGo(database, { env: { TIME_ZONE_OFFSET: '+8' } });
    onTestFinished(() => go.stop());
    await waitUntil(async () => (await store.find('due'))?.transaction.status === 'succeed');
    expect(branches.calls.map(({ gid }) => gid)).toEqual(['due']);
    const { transaction } = (await go.get('query?gid=due')) as { transaction: Record<string, string> };
    expect(transaction['create_time']).toMatch(/\+08:00$/);
    expect(Date.parse(transaction['create_time']!)).toBe(now);
    const finished = (await store.find('due'))!.transaction.finishTime!;
    expect(finished).toBeGreaterThanOrEqual(now);
    expect(finished).toBeLessThanOrEqual(Date.now() + 1);
  });
});
