import { countUnfinished } from '../../server/operations/count-unfinished.js';
import { embeddedServer, type CoordinatorLogger, type EmbeddedServer } from '../../server/index.js';
import { isLoopbackHost } from '../../support/host-port.js';
import type { ServeConfig } from './config/settings.js';
import { createStore } from './create-store.js';
import { explainStartFailure } from './explain-start-failure.js';
import { jsonLineLogger } from './json-line-logger.js';
import { StopSignals } from './process/stop-signals.js';
import { serverOptions } from './server-options.js';
import { startUpText } from './start-up-text.js';

/**
 * Runs the coordinator until a signal stops it.
 *
 * @param notices - notices about the settings, for the start-up text
 * @returns exit code
 * @throws DtmError, Error when the coordinator cannot start, or fails while it stops
 */
export async function serve(config: ServeConfig, notices: readonly string[]): Promise<number> {
  const signals = new StopSignals();
  const logger = jsonLineLogger(config.LogLevel, config['Log.Outputs']);
  const server = await start(config, notices, logger);
  signals.started();
  logger.info('draining', { signal: await signals.drain });
  await server.close();
  logger.info('stopped');
  return 0;
}

async function start(
  config: ServeConfig,
  notices: readonly string[],
  logger: CoordinatorLogger,
): Promise<EmbeddedServer> {
  let server: EmbeddedServer | undefined;
  try {
    const store = await createStore(config);
    server = embeddedServer(serverOptions(config, store, logger));
    await server.open();
    const unfinished = await countUnfinished(store);
    server.recover();
    process.stdout.write(
      startUpText({
        version: await server.version(),
        http: new URL(server.address ?? '').origin,
        grpc: server.grpcAddress ?? '',
        store: store.name,
        driver: config['MicroService.Driver'],
        unfinished,
        notices,
        warnings: warningsAbout(config),
      }),
    );
    return server;
  } catch (error) {
    if (config.LogLevel === 'debug') logger.error('the coordinator did not start', { stack: stacksOf(error) });
    // the error of the start counts, not an error of the close
    await server?.close().catch(() => undefined);
    throw explainStartFailure(error);
  }
}

function warningsAbout(config: ServeConfig): string[] {
  const host = config.ListenHost;
  if (isLoopbackHost(host)) return [];
  return [
    `ListenHost is ${host}: every client that can reach this address can read and stop all transactions, because the API has no authentication; ` +
      'restrict access to your services',
  ];
}

/** The stacks of an error and its causes; other fields are left out, because they may contain a password. */
function stacksOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [error.stack ?? error.message, ...stacksOf(error.cause)];
}
