import { DtmConfigError } from '../protocol/internal.js';

/** How the coordinator paces its work; names and defaults follow Go dtm. All durations are seconds. */
export interface CoordinatorSettings {
  /** Age at which a TCC transaction that was never submitted is rolled back. @default 35 */
  readonly timeoutToFailSeconds: number;
  /** Base interval between tries. @default 10 */
  readonly retryIntervalSeconds: number;
  /** Cap of the interval, which doubles with every try that does not decide. @default 300 */
  readonly maxRetryIntervalSeconds: number;
  /** Longest time for one branch call. @default 3 */
  readonly requestTimeoutSeconds: number;
  /** Pause between two looks for due transactions. @default 1 */
  readonly pollIntervalSeconds: number;
  /** Most transactions that recovery works on at a time. @default 64 */
  readonly maxParallelRecovery: number;
  /** Most of them that call the same target (host and port) at a time; others wait for their turn. @default 16 */
  readonly maxParallelRecoveryPerTarget: number;
  /** Calls in a row that nobody answers, after which a target is left alone until it answers again. @default 5 */
  readonly breakerFailures: number;
  /** Pause between two tries whether such a target answers again. @default 2 */
  readonly breakerProbeSeconds: number;
  /** Refusals of an operation that must not fail, after which a person should look at the transaction. @default 3 */
  readonly attentionAfterFailures: number;
  /** Tries of a branch without a decision from which on each further one is reported to the alert webhook. @default 3 */
  readonly alertRetryLimit: number;
  /** How long finished transactions are kept. @default 604800 (7 days) */
  readonly retentionSeconds: number;
}

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
};

/** Longest time of a setting: 31 years. Times further away are none that databases know. */
const MAX_SECONDS = 1_000_000_000;

/** Settings that need not be whole numbers. */
const FRACTIONS: ReadonlySet<string> = new Set(['pollIntervalSeconds', 'breakerProbeSeconds']);

/**
 * Fills defaults and checks the values.
 *
 * @param given - what the user set
 * @throws DtmConfigError naming the setting
 */
export function resolveSettings(given: Partial<CoordinatorSettings>): CoordinatorSettings {
  const settings: Record<string, number> = {};
  for (const [name, byDefault] of Object.entries(DEFAULTS)) {
    const value: unknown = given[name as keyof CoordinatorSettings] ?? byDefault;
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
