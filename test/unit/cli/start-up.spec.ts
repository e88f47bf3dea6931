import { describe, expect, it } from 'vitest';
import { memoryStore, embeddedServer } from 'nestjs-dtm/server';
import { startUpText, type StartUp } from '../../../lib/cli/serve/start-up-text.js';
import { countUnfinished } from '../../../lib/server/operations/count-unfinished.js';
import { detailsOf } from '../../contracts/store/records.js';
import { tccRequest } from '../../support/requests.js';

const startUp: StartUp = {
  version: 'v1.2.3',
  http: 'http://127.0.0.1:36789',
  grpc: '127.0.0.1:36790',
  store: 'sqlite /srv/dtm.db',
  driver: 'default',
  unfinished: { prepared: 0, submitted: 0, aborting: 0, attention: 0, isPartial: false },
  notices: [],
  warnings: [],
};

describe('the start-up text', () => {
  it('lists all addresses', () => {
    expect(startUpText(startUp)).toBe(
      [
        'nestjs-dtm v1.2.3 is serving',
        '  HTTP       http://127.0.0.1:36789/api/dtmsvr',
        '  JSON-RPC   http://127.0.0.1:36789/api/json-rpc',
        '  gRPC       127.0.0.1:36790',
        '  metrics    http://127.0.0.1:36789/api/metrics',
        '  store      sqlite /srv/dtm.db',
        '  driver     default',
        '  recovery   no unfinished transactions',
        '',
      ].join('\n'),
    );
  });

  it.each([
    [
      { prepared: 0, submitted: 1, aborting: 0, attention: 0, isPartial: false },
      '1 unfinished transaction resumed: 0 prepared, 1 submitted, 0 aborting',
    ],
    [
      { prepared: 1, submitted: 2, aborting: 3, attention: 0, isPartial: false },
      '6 unfinished transactions resumed: 1 prepared, 2 submitted, 3 aborting',
    ],
    [
      { prepared: 0, submitted: 10_000, aborting: 1, attention: 0, isPartial: true },
      'at least 10001 unfinished transactions resumed: 0 prepared, 10000 submitted, 1 aborting',
    ],
  ])('reports what is resumed: %j', (unfinished, text) => {
    expect(startUpText({ ...startUp, unfinished })).toContain(`\n  recovery   ${text}\n`);
  });

  it('reports transactions that need attention, and where they are listed', () => {
    const unfinished = { prepared: 0, submitted: 0, aborting: 2, attention: 1, isPartial: false };
    expect(startUpText({ ...startUp, unfinished })).toContain(
      '\n  attention  transactions that need attention: 1, see http://127.0.0.1:36789/api/dtmsvr/all?attention=true\n',
    );
  });

  it('ends with notes and warnings', () => {
    const text = startUpText({ ...startUp, notices: ['n1', 'n2'], warnings: ['w'] });
    expect(text).toMatch(/\n {2}note {7}n1\n {2}note {7}n2\n {2}WARNING {4}w\n$/);
  });
});

describe('countUnfinished', () => {
  it('counts the transactions of a store', async () => {
    const store = memoryStore();
    const server = embeddedServer({ store });
    await server.open();
    await server.prepare(tccRequest('t1'));
    await server.prepare(tccRequest('t2'));
    await server.prepare(tccRequest('t3'));
    await server.submit({ ...tccRequest('t3'), waitResult: true });
    expect(await countUnfinished(store)).toEqual({
      prepared: 2,
      submitted: 0,
      aborting: 0,
      attention: 0,
      isPartial: false,
    });
    await server.close();
  });

  it('stops counting before it delays the start', async () => {
    const store = memoryStore();
    for (let index = 0; index < 10_001; index++) await store.create(detailsOf(String(index)));
    expect(await countUnfinished(store)).toMatchObject({ submitted: 10_000, isPartial: true });
  });
});
