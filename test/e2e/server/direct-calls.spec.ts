import { DtmArgumentError, type TransactionFilter, type TransactionRequest } from 'nestjs-dtm/protocol';
import { sqliteStore } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { tempFolder } from '../../support/temp-folder.js';

/** What a JavaScript controller may pass on from a query string unchecked: `?gid[a]=b`, `?gid=a&gid=b`. */
const GARBAGE: unknown[] = [{}, { a: 'b' }, ['a', 'b'], [], true, 5, null, undefined, Symbol('a'), () => 1];

describe('calls in the same process with arguments of wrong types', () => {
  it.each(GARBAGE)(
    'are refused before they reach the database, where they would end the process: %s',
    async (value) => {
      const { server } = await startCoordinator({ store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }) });
      const gid = value as string;
      for (const call of [
        server.query(gid),
        server.forceStop(gid),
        server.abort({ gid, transType: 'tcc' }),
        server.prepare({ ...sagaRequest('g'), gid }),
        server.submit({ ...sagaRequest('g'), gid }),
        server.submit({ ...sagaRequest('g'), transType: value as TransactionRequest['transType'] }),
      ]) {
        await expect(call).rejects.toThrow(DtmArgumentError);
      }
      expect(await server.query('g')).toBeUndefined();
    },
  );

  it.each([{ limit: '10' }, { limit: -1 }, { limit: 0.5 }, { createTimeStart: '0' }, { createTimeEnd: Number.NaN }])(
    'a list is refused with %j',
    async (filter) => {
      const { server } = await startCoordinator({ store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }) });
      await expect(server.all(filter as TransactionFilter)).rejects.toThrow(DtmArgumentError);
    },
  );
});
