import { embeddedServer, type CoordinatorLogger, type EmbeddedServer } from '../../server/index.js';
import { isLoopbackHost } from '../../support/host-port.js';
import { lineLogger } from './logger.js';
import { makeStore } from './make-store.js';
import { serverOptions } from './server-options.js';
import type { ServeConfig } from './settings.js';
import { startFailure } from './start-failure.js';
import { startUpText } from './start-up-text.js';
import { StopSignals } from './stop-signals.js';
import { countUnfinished } from './unfinished.js';

/**
 * Runs the coordinator until a signal asks to stop it.
 *
 * @param config - the settings
 * @param notices - what to tell the user about them
 * @returns exit code
 * @throws DtmError, Error when it cannot start, or cannot end in order
 */
export async function serve(config: ServeConfig, notices: readonly string[]): Promise<number> {
  const signals = new StopSignals();
  const logger = lineLogger(config.LogLevel, config['Log.Outputs']);
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
    const store = await makeStore(config);
    server = embeddedServer(serverOptions(config, store, logger));
    await server.open();
    const unfinished = await countUnfinished(server);
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
    logger.info('started', { http: server.address, grpc: server.grpcAddress, store: store.name, unfinished });
    return server;
  } catch (error) {
    if (config.LogLevel === 'debug') logger.error('it did not start', { stack: stacksOf(error) });
    // why it did not start counts, not what else fails on the way out
    await server?.close().catch(() => undefined);
    throw startFailure(error);
  }
}

function warningsAbout(config: ServeConfig): string[] {
  const host = config.ListenHost;
  if (isLoopbackHost(host)) return [];
  return [
    `ListenHost is ${host}: whoever can reach it can read and stop every transaction, for the API has no authentication; let only your services through`,
  ];
}

/** Of an error and what caused it; only that, for other fields may hold a password. */
function stacksOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [error.stack ?? error.message, ...stacksOf(error.cause)];
}
