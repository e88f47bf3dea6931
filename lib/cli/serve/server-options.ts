import { registersServices, resolveDriver } from '../../driver/internal.js';
import { DtmConfigError, errorText } from '../../protocol/internal.js';
import type { CoordinatorLogger, DtmDriver, EmbeddedServerOptions, Store } from '../../server/index.js';
import type { ServeConfig } from './config/settings.js';

/**
 * The options of the embedded coordinator for a configuration.
 *
 * @throws DtmConfigError when the driver does not exist
 */
export function serverOptions(config: ServeConfig, store: Store, logger: CoordinatorLogger): EmbeddedServerOptions {
  return {
    store,
    logger,
    listen: { host: config.ListenHost, port: config.HttpPort, grpcPort: config.GrpcPort },
    driver: driverOf(config),
    register: registerOf(config),
    pollIntervalSeconds: config.TransCronInterval,
    timeoutToFailSeconds: config.TimeoutToFail,
    retryIntervalSeconds: config.RetryInterval,
    maxRetryIntervalSeconds: config.MaxRetryInterval,
    requestTimeoutSeconds: config.RequestTimeout,
    maxParallelRecovery: config.MaxParallelRecovery,
    maxParallelRecoveryPerTarget: config.MaxParallelRecoveryPerTarget,
    breakerFailures: config.BreakerFailures,
    breakerProbeSeconds: config.BreakerProbeInterval,
    attentionAfterFailures: config.AttentionAfterFailures,
    maxRequestTimeoutSeconds: config.MaxRequestTimeout,
    maxWaitSeconds: config.MaxWait,
    maxBranches: config.MaxBranches,
    maxBranchHeaderBytes: config.MaxBranchHeaderBytes,
    maxCustomDataBytes: config.MaxCustomDataBytes,
    maxTransactionBytes: config.MaxTransactionBytes,
    alertRetryLimit: config.AlertRetryLimit,
    alertWebhook: config.AlertWebHook,
    shutdownTimeoutSeconds: config.ShutdownTimeout,
    retentionSeconds: config['Store.FinishedDataExpire'] ?? config['Store.DataExpire'],
  };
}

function driverOf(config: ServeConfig): DtmDriver {
  try {
    return resolveDriver(config['MicroService.Driver']);
  } catch (cause) {
    throw new DtmConfigError(`MicroService.Driver: ${errorText(cause)}`, { cause });
  }
}

function registerOf(config: ServeConfig): EmbeddedServerOptions['register'] {
  const target = config['MicroService.Target'];
  // the configuration has a notice about a driver that registers nothing
  return target === undefined || !registersServices(config['MicroService.Driver'])
    ? undefined
    : { target, endpoint: config['MicroService.EndPoint'] ?? '' };
}
