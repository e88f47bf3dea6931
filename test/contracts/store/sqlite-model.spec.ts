import { sqliteStore } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { StoreModel } from './store-model.js';

it('the SQLite store behaves like the memory store, with restarts and arbitrary texts', async () => {
  const seed = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const path = join(tempFolder(), 'dtm.db');
  const model = new StoreModel(seed, () => sqliteStore({ path }));
  await model.run(800, (actual, expected, title) => {
    expect(actual, `${title}; again with DTM_SEED=${seed}`).toEqual(expected);
  });
});
