const load = () => ({
  nest: jest.requireActual<typeof import('@nestjs/testing')>('@nestjs/testing'),
  dtm: jest.requireActual<typeof import('nestjs-dtm')>('nestjs-dtm'),
  stock: jest.requireActual<typeof import('./stock.module.js')>('./stock.module'),
});

it('jest.resetModules() gives a new copy of Nest its own copy of the package', async () => {
  const first = load();
  jest.resetModules();
  const second = load();
  expect(second.dtm.DtmModule).not.toBe(first.dtm.DtmModule);
  for (const { nest, dtm, stock } of [second, first]) {
    const module = await nest.Test.createTestingModule({ imports: [stock.StockModule] }).compile();
    await module.init();
    const reserve = dtm.branchOf(stock.StockController, 'reserve');
    await module.get(dtm.DtmService).saga().add(reserve, { pieces: 1 }).submit({ waitResult: true });
    expect(module.get(stock.StockController).calls).toEqual(['reserve 1']);
    await module.close();
  }
});
