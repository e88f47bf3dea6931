import type { DtmConnection } from 'nestjs-dtm';
import { dtmGrpcClient, dtmClient } from 'nestjs-dtm/client';
import { afterAll, beforeAll, describe } from 'vitest';
import { startDtm, type DtmServer as GoDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { waitUntil } from '../../support/wait-until.js';
import { barrierAccounts, xaAccounts, type BarrierAccounts, type XaAccounts } from './accounts.js';
import { goDefect } from './go-defects.js';
import type { Route } from './route.js';
import { Matrix, type Result } from './matrix.js';
import { testRow } from './row-test.js';
import { rowsOf, type Row } from './rows.js';

const ROUTES: readonly Route[] = [
  { title: 'over HTTP', api: 'http', over: 'http' },
  { title: 'over gRPC', api: 'grpc', over: 'grpc' },
  { title: 'over HTTP, branches over gRPC', api: 'http', over: 'grpc' },
  { title: 'over gRPC, branches over HTTP', api: 'grpc', over: 'http' },
  { title: 'over JSON-RPC, branches over HTTP', api: 'json-rpc', over: 'http' },
  { title: 'over JSON-RPC', api: 'json-rpc', over: 'http', isRpc: true },
];

/** A transaction that takes longer counts as lost. */
const LONGEST_WAIT_SECONDS = 30;

const go = requireOrSkip('dtm');
const databases = requireOrSkip('postgres', 'mariadb');

describe.skipIf(!go.available)(go.title('the real dtm 1.19.0'), () => {
  let dtm: GoDtm;
  let barrier: BarrierAccounts;
  let xa: XaAccounts | undefined;

  beforeAll(async () => {
    dtm = await startDtm({ env: { TRANS_CRON_INTERVAL: '1', CONFIG_UPDATE_INTERVAL: '1', LOG_LEVEL: 'error' } });
    barrier = await barrierAccounts();
    if (databases.available) xa = await xaAccounts();
  });
  afterAll(async () => {
    await barrier?.close();
    await xa?.close();
    await dtm?.stop();
  });

  for (const route of ROUTES) {
    describe(route.title, () => {
      const results = new Map<Row, Promise<Result>>();
      let matrix: Matrix;

      beforeAll(async () => {
        matrix = await Matrix.start({
          route,
          server: () => clientOf(dtm, route),
          barrier,
          xa,
          waitForEnd: (observer, gid) =>
            observer.waitFor(gid, { timeoutSeconds: LONGEST_WAIT_SECONDS }).catch(() => undefined),
        });
        await waitUntil(() => matrix.knowsSubscribers());
        // all at once: dtm takes seconds for each row
        for (const row of rowsOf(route)) {
          if ((row.mode.accounts === 'xa' && !xa) || goDefect(row, route)) continue;
          const result = matrix.run(row);
          // the test of the row checks the rejection
          result.catch(() => undefined);
          results.set(row, result);
        }
      });
      afterAll(() => matrix?.close());

      for (const row of rowsOf(route)) {
        testRow(row, { route, databases, defectOf: goDefect, isInTime: false, run: (it) => results.get(it)! });
      }
    });
  }
});

function clientOf({ url, host, grpcPort }: GoDtm, { api }: Route): DtmConnection {
  switch (api) {
    case 'grpc':
      return dtmGrpcClient(`${host}:${grpcPort}`, { http: url });
    case 'json-rpc':
      return dtmClient(`${new URL(url).origin}/api/json-rpc`);
    default:
      return dtmClient(url);
  }
}
