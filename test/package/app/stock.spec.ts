import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { DTM_OPTIONS, DtmFailureError, DtmService, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore, sqliteStore } from 'nestjs-dtm/server';
import { StockController, StockModule } from './stock.module.js';

describe('sagas of a module under test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stock-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['memory', () => memoryStore()],
    ['SQLite', () => sqliteStore({ path: join(folder, 'dtm.db') })],
  ])('run in process on %s', async (_name, createStore) => {
    const module = await Test.createTestingModule({ imports: [StockModule] })
      .overrideProvider(DTM_OPTIONS)
      .useValue({ server: embeddedServer({ store: createStore() }) })
      .compile();
    await module.init();
    const stock = module.get(StockController);
    const reserve = branchOf(StockController, 'reserve');

    await module.get(DtmService).saga().add(reserve, { pieces: 1 }).submit({ waitResult: true });
    expect(stock.calls.splice(0)).toEqual(['reserve 1']);

    const failing = module.get(DtmService).saga().add(reserve, { pieces: 2 }).add(reserve, { pieces: 99 });
    await expect(failing.submit({ waitResult: true })).rejects.toBeInstanceOf(DtmFailureError);
    expect(stock.calls).toEqual(['reserve 2', 'reserve 99', 'release 99', 'release 2']);

    await module.close();
  });
});
