import { DtmArgumentError, DtmConfigError } from '../protocol/internal.js';

/** Limits and intervals of the coordinator. Names and defaults follow Go dtm. All durations are in seconds. */
export interface CoordinatorSettings {
  /**
   * Age at which a TCC or XA transaction without a submit is rolled back, and at which the initiator of a message is queried.
   * The option of a transaction takes precedence.
   *
   * @default 35
   */
  readonly timeoutToFailSeconds: number;
  /** Base interval between attempts. The option of a transaction takes precedence. @default 10 */
  readonly retryIntervalSeconds: number;
  /** Longest interval between attempts. The interval doubles after each attempt with an unknown outcome. @default 300 */
  readonly maxRetryIntervalSeconds: number;
  /** Time-out of one branch call. The option of a transaction takes precedence. @default 3 */
  readonly requestTimeoutSeconds: number;
  /** Pause between two polls for due transactions. @default 1 */
  readonly pollIntervalSeconds: number;
  /**
   * Maximum number of transactions that recovery works on at the same time. One whose calls last longer than a second does not
   * count; with those, it works on eight times as many.
   *
   * @default 64
   */
  readonly maxParallelRecovery: number;
  /**
   * Maximum number of these transactions that call one path, or one gRPC method, at the same time. All paths of a target (host
   * and port) together have twice as many. The others wait and do not block other paths and targets.
   *
   * @default 16
   */
  readonly maxParallelRecoveryPerTarget: number;
  /** Calls in a row without an answer that open the circuit breaker of a target, or of one of its paths. @default 5 */
  readonly breakerFailures: number;
  /** Pause between two probes of a target whose circuit breaker is open. @default 2 */
  readonly breakerProbeSeconds: number;
  /** Answers that waiting does not change (409 in the second phase, 404), after which a transaction needs attention. @default 3 */
  readonly attentionAfterFailures: number;
  /**
   * Number of the first attempt of a branch whose failure the alert webhook reports. Every later failed attempt is
   * reported too.
   *
   * @default 3
   */
  readonly alertRetryLimit: number;
  /** Time after which finished transactions are deleted. @default 604800, 7 days */
  readonly retentionSeconds: number;
  /** Longest `request_timeout` of a transaction; a lease lasts 10 seconds longer. @default 3600 */
  readonly maxRequestTimeoutSeconds: number;
  /** Longest `timeout_to_fail`, `retry_interval` and delay of a transaction. @default 31536000, a year */
  readonly maxWaitSeconds: number;
  /** Maximum number of branches of a transaction; each subscriber of a topic is one. @default 10000 */
  readonly maxBranches: number;
  /**
   * Maximum number of bytes of the names and values of `branch_headers`. A server in Node accepts 16 KiB of URL and headers together,
   * and answers 431 to more.
   *
   * @default 8192, 8 KiB
   */
  readonly maxBranchHeaderBytes: number;
  /** Maximum number of bytes of `custom_data`, and of the reason or result that an initiator reports. @default 2097152, 2 MiB */
  readonly maxCustomDataBytes: number;
  /** Maximum number of bytes of a whole transaction: its texts, and the payloads and URLs of its branches. @default 16777216, 16 MiB */
  readonly maxTransactionBytes: number;
  /**
   * Longest time that `close()` waits for running branch calls, requests and the store. What is still running then continues at
   * the next start.
   *
   * @default 20
   */
  readonly shutdownTimeoutSeconds: number;
}

/** A ceiling for what one transaction may contain. */
export type CoordinatorLimit = Extract<
  keyof CoordinatorSettings,
  'maxRequestTimeoutSeconds' | 'maxWaitSeconds' | 'maxBranches' | `max${string}Bytes`
>;

const DEFAULTS: CoordinatorSettings = {
  timeoutToFailSeconds: 35,
  retryIntervalSeconds: 10,
  maxRetryIntervalSeconds: 300,
  requestTimeoutSeconds: 3,
  pollIntervalSeconds: 1,
  maxParallelRecovery: 64,
  maxParallelRecoveryPerTarget: 16,
  breakerFailures: 5,
  breakerProbeSeconds: 2,
  attentionAfterFailures: 3,
  alertRetryLimit: 3,
  retentionSeconds: 604_800,
  maxRequestTimeoutSeconds: 3600,
  maxWaitSeconds: 31_536_000,
  maxBranches: 10_000,
  maxBranchHeaderBytes: 8 * 1024,
  maxCustomDataBytes: 2 * 1024 * 1024,
  maxTransactionBytes: 16 * 1024 * 1024,
  shutdownTimeoutSeconds: 20,
};

/** Longest duration: 31 years. Databases do not support much later times. */
const MAX_SECONDS = 1_000_000_000;

/** Settings that may be fractions. */
const FRACTIONS: ReadonlySet<string> = new Set(['pollIntervalSeconds', 'breakerProbeSeconds']);

/**
 * Checks the settings and adds defaults.
 *
 * @throws DtmConfigError that names the setting
 */
export function resolveSettings(options: Partial<CoordinatorSettings>): CoordinatorSettings {
  const settings: Record<string, number> = {};
  for (const [name, defaultValue] of Object.entries(DEFAULTS)) {
    const value: unknown = options[name as keyof CoordinatorSettings] ?? defaultValue;
    const isFraction = FRACTIONS.has(name);
    const max = name.endsWith('Seconds') ? MAX_SECONDS : Number.MAX_SAFE_INTEGER;
    const isAllowed = typeof value === 'number' && value > 0 && value <= max && (isFraction || Number.isInteger(value));
    if (!isAllowed) {
      const kind = isFraction ? 'number' : 'whole number';
      throw new DtmConfigError(
        `embedded coordinator: ${name} must be a ${kind} above 0, at most ${max}, not ${String(value)}`,
      );
    }
    settings[name] = value;
  }
  return settings as unknown as CoordinatorSettings;
}

/**
 * Creates the error of a request that exceeds a ceiling.
 *
 * @param what - what exceeds the ceiling, with its value: `request_timeout is 700`
 * @param limit - setting of the ceiling
 * @param settings - settings of the coordinator
 */
export function limitError(what: string, limit: CoordinatorLimit, settings: CoordinatorSettings): DtmArgumentError {
  // `serve` has the setting without its unit
  const key = limit.replace(/Seconds$/, '').replace('max', 'Max');
  return new DtmArgumentError(
    `${what}: the limit is ${settings[limit]}; send less, or raise ${limit} of the coordinator (${key} of serve)`,
  );
}
