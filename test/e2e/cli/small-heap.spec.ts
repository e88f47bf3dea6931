import { join } from 'node:path';
import { sqliteStore } from 'nestjs-dtm/server';
import { expect, it } from 'vitest';
import { TIME, transactionOf } from '../../contracts/store/records.js';
import { tempFolder } from '../../support/temp-folder.js';
import { ServeProcess } from './serve-process.js';

/** More than the heap together. */
const COUNT = 60;
const CUSTOM_DATA = JSON.stringify({ delay: 0, filler: 'x'.repeat(4 * 1024 * 1024) });

it('a server with a small heap starts on a store with more data than its heap, lists it page by page, and recovers it', async () => {
  const cwd = tempFolder();
  const store = sqliteStore({ path: join(cwd, '.dtm', 'dtm.db') });
  await store.open();
  for (let index = 0; index < COUNT; index++) {
    const status = index % 2 === 0 ? 'prepared' : 'submitted';
    const isDue = status === 'submitted';
    const times = isDue ? { createTime: 0, nextCronTime: 0 } : { createTime: TIME, nextCronTime: TIME };
    const transaction = transactionOf(`g${index}`, { transType: 'msg', status, customData: CUSTOM_DATA, ...times });
    await store.create({ transaction, branches: [] });
  }
  await store.close();

  const serve = await ServeProcess.start({ cwd, env: { NODE_OPTIONS: '--max-old-space-size=200' } });
  expect(serve.row('recovery')).toBe('60 unfinished transactions resumed: 30 prepared, 30 submitted, 0 aborting');
  const gids: string[] = [];
  let position = '';
  do {
    const answer = await fetch(`${serve.base}/all?limit=10000&position=${position}`);
    const page = (await answer.json()) as { transactions: { gid: string }[]; next_position: string };
    gids.push(...page.transactions.map(({ gid }) => gid));
    position = page.next_position;
  } while (position);
  expect(new Set(gids).size).toBe(COUNT);
  // messages without steps are delivered as soon as recovery has claimed them
  await expect.poll(() => serve.statusOf('g59'), { timeout: 30_000 }).toBe('succeed');
  expect(await serve.stop()).toBe(0);
}, 60_000);
