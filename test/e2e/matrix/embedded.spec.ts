import { branchTransport, dtmClient, type Transport } from 'nestjs-dtm/client';
import { DtmConfigError, type DtmConnection, type DtmService } from 'nestjs-dtm';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { RecordingLogger } from '../../support/recording-logger.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { barrierAccounts, xaAccounts, type BarrierAccounts, type XaAccounts } from './accounts.js';
import type { Route } from './route.js';
import { Matrix } from './matrix.js';
import { shared } from './crashing-initiators.js';
import { testRow } from './row-test.js';
import { rowsOf } from './rows.js';

// a hanging test fails soon
vi.setConfig({ testTimeout: 20_000 });

const ROUTES: readonly Route[] = [
  { title: 'in this process, branches in it too', api: 'in process', over: 'in-process' },
  { title: 'in this process, branches over HTTP', api: 'in process', over: 'http' },
  { title: 'in this process, branches over gRPC', api: 'in process', over: 'grpc' },
  { title: 'over HTTP', api: 'http', over: 'http' },
  { title: 'over gRPC', api: 'grpc', over: 'grpc' },
  { title: 'over HTTP, branches over gRPC', api: 'http', over: 'grpc' },
  { title: 'over gRPC, branches over HTTP', api: 'grpc', over: 'http' },
  { title: 'over JSON-RPC, branches over HTTP', api: 'json-rpc', over: 'http' },
  { title: 'over JSON-RPC', api: 'json-rpc', over: 'http', isRpc: true },
];

/** Virtual time-out: a transaction that has not ended by then never ends. */
const LONGEST_WAIT_MS = 120_000;

/** Longer than a waiting submit waits for the next attempt: its initiator learns that the transaction is undecided. */
const RETRY_INTERVAL_SECONDS = 30;

/** Tracks running branch calls: virtual time may pass only while there are none. */
class TrackingTransport implements Transport {
  readonly #inner = branchTransport();
  readonly #calls = new Set<Promise<unknown>>();

  readonly check = this.#inner.check?.bind(this.#inner);

  call(call: Parameters<Transport['call']>[0]): ReturnType<Transport['call']> {
    return this.track(this.#inner.call(call));
  }

  track<T>(call: Promise<T>): Promise<T> {
    const made = call.finally(() => this.#calls.delete(made));
    this.#calls.add(made);
    return made;
  }

  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const databases = requireOrSkip('postgres', 'mariadb');

describe('the embedded coordinator', () => {
  let barrier: BarrierAccounts;
  let xa: XaAccounts | undefined;

  beforeAll(async () => {
    barrier = await barrierAccounts();
    if (databases.available) xa = await xaAccounts();
  });
  afterAll(async () => {
    await barrier?.close();
    await xa?.close();
  });

  for (const route of ROUTES) {
    describe(route.title, () => {
      let server: EmbeddedServer;
      let matrix: Matrix;

      beforeAll(async () => {
        const clock = new VirtualClock();
        const transport = new TrackingTransport();
        const listen = { port: 0, grpcPort: 0 };
        server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), clock, transport, listen });
        await server.open();
        server.recover();
        matrix = await Matrix.start({
          route,
          server: () => clientOf(server, transport, route),
          barrier,
          xa,
          retryIntervalSeconds: RETRY_INTERVAL_SECONDS,
          async waitForEnd(dtm, gid) {
            for (let waited = 0; waited < LONGEST_WAIT_MS && !(await hasEnded(dtm, gid)); waited += 500) {
              await clock.advance(500);
              await transport.idle();
            }
          },
        });
      });
      afterAll(async () => {
        await matrix?.close();
        await server?.close();
      });

      for (const row of rowsOf(route)) {
        testRow(row, { route, databases, isInTime: true, run: (it) => matrix.run(it) });
      }
    });
  }
});

async function hasEnded(dtm: DtmService, gid: string): Promise<boolean> {
  const status = (await dtm.query(gid))?.transaction.status;
  return status === 'succeed' || status === 'failed';
}

function clientOf(server: EmbeddedServer, transport: TrackingTransport, { api, over }: Route) {
  switch (api) {
    case 'in process':
      return shared(server, over === 'in-process' ? attachFirst(server, transport) : undefined);
    case 'http':
      return dtmClient(server.address!);
    case 'grpc':
      return dtmClient(server.grpcAddress!);
    case 'json-rpc':
      return dtmClient(`${new URL(server.address!).origin}/api/json-rpc`);
  }
}

/** The coordinator calls the participants, which start first; the initiator has the same branches. */
function attachFirst(server: EmbeddedServer, transport: TrackingTransport): DtmConnection['attach'] {
  return (application, logger) => {
    const call: typeof application.call = (branch) => transport.track(application.call(branch));
    try {
      server.attach!({ name: application.name, has: (path) => application.has(path), call }, logger);
    } catch (error) {
      if (!(error instanceof DtmConfigError)) throw error;
    }
  };
}
