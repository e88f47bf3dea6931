import { embeddedServer } from 'nestjs-dtm/server';
import type { SqlServer } from '../../contracts/store/sql-servers.js';
import { startDtm } from '../../services/dtm.mjs';
import { get, post } from '../../support/http-client.js';
import { RecordingLogger } from '../../support/recording-logger.js';

/** An embedded coordinator or Go dtm, behind dtm's HTTP API. */
export interface RunningCoordinator {
  /** POST of an operation; throws unless the answer is 200. */
  post(operation: string, body: unknown): Promise<unknown>;
  /** GET of an operation; throws unless the answer is 200. */
  get(operation: string): Promise<unknown>;
  /** Closes the embedded coordinator, or kills Go dtm; unfinished transactions remain. */
  stop(): Promise<void>;
}

export async function startEmbedded(database: SqlServer): Promise<RunningCoordinator> {
  const server = embeddedServer({
    store: database.ofGo.store(),
    listen: { port: 0 },
    pollIntervalSeconds: 0.1,
    logger: new RecordingLogger(),
  });
  await server.open();
  server.recover();
  return httpCoordinator(server.address!, () => server.close());
}

export async function startGo(
  database: SqlServer,
  { createTables = false, env = {} }: { createTables?: boolean; env?: Readonly<Record<string, string>> } = {},
): Promise<RunningCoordinator> {
  const dtm = await startDtm({
    store: { ...database.ofGo.forGo, createTables },
    env: { LOG_LEVEL: 'error', TRANS_CRON_INTERVAL: '1', TZ: 'UTC', ...env },
  });
  return httpCoordinator(dtm.url, async () => {
    await dtm.kill();
    await dtm.stop();
  });
}

function httpCoordinator(base: string, stop: () => Promise<void>): RunningCoordinator {
  const json = (operation: string, { status, body }: { status: number; body: string }): unknown => {
    if (status !== 200) throw new Error(`${operation} answered ${status}: ${body}`);
    return JSON.parse(body);
  };
  return {
    post: async (operation, body) => json(operation, await post(`${base}/${operation}`, body)),
    get: async (operation) => json(operation, await get(`${base}/${operation}`)),
    stop,
  };
}
