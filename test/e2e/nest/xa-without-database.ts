import type { XaAdapter } from 'nestjs-dtm';

/** XA that only calls, for tests of what Nest does around it. */
export const xaWithoutDatabase: XaAdapter<string> = {
  prepare: async (_branch, work, register) => {
    const result = await work('connection');
    await register();
    return result;
  },
  commit: () => Promise.resolve(),
  rollback: () => Promise.resolve(),
  listInDoubt: () => Promise.resolve([]),
  createTable: () => Promise.resolve(),
};
