import { describe, expect, it } from 'vitest';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { readConfig } from '../../../lib/cli/serve/config/read-config.js';
import { serverOptions } from '../../../lib/cli/serve/server-options.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const optionsOf = (env: Record<string, string>) => {
  const { config, problems } = readConfig({ env });
  expect(problems).toEqual([]);
  return serverOptions(config, memoryStore(), new RecordingLogger());
};

describe('serverOptions', () => {
  it("are the defaults of the embedded coordinator, on dtm's ports, without settings", () => {
    const { store, logger, driver, ...options } = optionsOf({});
    expect(store?.name).toContain('memory');
    expect(logger).toBeInstanceOf(RecordingLogger);
    expect(driver).toMatchObject({ name: 'default' });
    expect(options).toEqual({
      listen: { host: '127.0.0.1', port: 36_789, grpcPort: 36_790 },
      pollIntervalSeconds: 1,
      timeoutToFailSeconds: 35,
      retryIntervalSeconds: 10,
      maxRetryIntervalSeconds: 300,
      requestTimeoutSeconds: 3,
      maxParallelRecovery: 64,
      maxParallelRecoveryPerTarget: 16,
      breakerFailures: 5,
      breakerProbeSeconds: 2,
      attentionAfterFailures: 3,
      maxRequestTimeoutSeconds: 3600,
      maxWaitSeconds: 31_536_000,
      maxBranches: 10_000,
      maxBranchHeaderBytes: 8192,
      maxCustomDataBytes: 2_097_152,
      maxTransactionBytes: 16_777_216,
      alertRetryLimit: 3,
      retentionSeconds: 604_800,
      shutdownTimeoutSeconds: 20,
    });
  });

  it.each([
    [{ LISTEN_HOST: '::1', HTTP_PORT: '1', GRPC_PORT: '0' }, { listen: { host: '::1', port: 1, grpcPort: 0 } }],
    [{ TRANS_CRON_INTERVAL: '0.2' }, { pollIntervalSeconds: 0.2 }],
    [{ TIMEOUT_TO_FAIL: '7' }, { timeoutToFailSeconds: 7 }],
    [{ RETRY_INTERVAL: '7' }, { retryIntervalSeconds: 7 }],
    [{ MAX_RETRY_INTERVAL: '7' }, { maxRetryIntervalSeconds: 7 }],
    [{ REQUEST_TIMEOUT: '7' }, { requestTimeoutSeconds: 7 }],
    [{ MAX_PARALLEL_RECOVERY: '7' }, { maxParallelRecovery: 7 }],
    [{ MAX_PARALLEL_RECOVERY_PER_TARGET: '7' }, { maxParallelRecoveryPerTarget: 7 }],
    [{ BREAKER_FAILURES: '7' }, { breakerFailures: 7 }],
    [{ BREAKER_PROBE_INTERVAL: '0.7' }, { breakerProbeSeconds: 0.7 }],
    [{ ATTENTION_AFTER_FAILURES: '7' }, { attentionAfterFailures: 7 }],
    [{ SHUTDOWN_TIMEOUT: '7' }, { shutdownTimeoutSeconds: 7 }],
    [{ MAX_REQUEST_TIMEOUT: '7' }, { maxRequestTimeoutSeconds: 7 }],
    [{ MAX_WAIT: '7' }, { maxWaitSeconds: 7 }],
    [{ MAX_BRANCHES: '7' }, { maxBranches: 7 }],
    [{ MAX_BRANCH_HEADER_BYTES: '7' }, { maxBranchHeaderBytes: 7 }],
    [{ MAX_CUSTOM_DATA_BYTES: '7' }, { maxCustomDataBytes: 7 }],
    [{ MAX_TRANSACTION_BYTES: '7' }, { maxTransactionBytes: 7 }],
    [{ ALERT_RETRY_LIMIT: '7' }, { alertRetryLimit: 7 }],
    [{ ALERT_WEB_HOOK: 'https://alerts/x' }, { alertWebhook: 'https://alerts/x' }],
    [{ STORE_DATA_EXPIRE: '7' }, { retentionSeconds: 7 }],
    [{ STORE_DATA_EXPIRE: '7', STORE_FINISHED_DATA_EXPIRE: '5' }, { retentionSeconds: 5 }],
    [{ MICRO_SERVICE_DRIVER: 'dtm-driver-protocol1' }, { driver: { name: 'dtm-driver-protocol1' } }],
    [
      { MICRO_SERVICE_DRIVER: 'dtm-driver-gozero', MICRO_SERVICE_TARGET: 't', MICRO_SERVICE_END_POINT: 'e' },
      { register: { target: 't', endpoint: 'e' } },
    ],
    [
      { MICRO_SERVICE_DRIVER: 'dtm-driver-gozero', MICRO_SERVICE_TARGET: 't' },
      { register: { target: 't', endpoint: '' } },
    ],
    [{ MICRO_SERVICE_END_POINT: 'e' }, { register: undefined }],
  ])('of %j have %j', (env, options) => {
    expect(optionsOf(env)).toMatchObject(options);
  });

  it.each<Record<string, string>>([
    { TRANS_CRON_INTERVAL: '86400', TIMEOUT_TO_FAIL: '31536000', RETRY_INTERVAL: '31536000', REQUEST_TIMEOUT: '86400' },
    {
      TRANS_CRON_INTERVAL: '0.001',
      BREAKER_PROBE_INTERVAL: '0.001',
      MAX_PARALLEL_RECOVERY: '1',
      BREAKER_FAILURES: '1',
    },
  ])('at the limits of the settings are valid for the coordinator: %j', (env) => {
    expect(() => embeddedServer(optionsOf(env))).not.toThrow();
  });

  it('name the setting for a driver that does not exist', () => {
    expect(() => optionsOf({ MICRO_SERVICE_DRIVER: 'none' })).toThrow(DtmConfigError);
    expect(() => optionsOf({ MICRO_SERVICE_DRIVER: 'none' })).toThrow(/^MicroService\.Driver: driver "none" does not/);
  });
});
