/** Faults of a coordinator's write. */
export const WRITE_FAULTS = [
  'crash before write',
  'crash after write',
  'write refused',
  'commit unknown',
  'slow write',
] as const;

/** Faults of a coordinator's read. */
export const READ_FAULTS = ['read refused', 'slow read'] as const;

/** Faults of a branch call. */
export const CALL_FAULTS = [
  'call refused',
  'call lost',
  'answer lost',
  'call duplicated',
  'call slow',
  'call late',
  'call hung',
  'error before effect',
  'error after effect',
  'ongoing',
  'unexpected failure',
  'crash before call',
  'crash after call',
  'crash and late call',
  'stall during call',
  'clock ahead during call',
  'clock back during call',
] as const;

/** Faults of a request to a coordinator. */
export const REQUEST_FAULTS = [
  'request refused',
  'request lost',
  'request duplicated',
  'request late',
  'answer to request lost',
  'client crash before request',
  'client crash after request',
] as const;

/** Faults that strike at a random time, independent of an operation. */
export const TIMED_FAULTS = [
  'crash',
  'graceful restart',
  'stall',
  'clock jump',
  'bank down',
  'banks slow',
  'store refuses',
  'store slow',
  'operator force-stops',
  'operator retries one',
  'operator retries all',
  'operator retries a bank',
] as const;

/** A fault of an operation: a write, a read, a call or a request. */
export type Fault =
  | (typeof WRITE_FAULTS)[number]
  | (typeof READ_FAULTS)[number]
  | (typeof CALL_FAULTS)[number]
  | (typeof REQUEST_FAULTS)[number];

/** A fault that strikes at a random time. */
export type TimedFault = (typeof TIMED_FAULTS)[number];

/** Decides which faults are injected. */
export interface Faults {
  /**
   * Called for each operation that may fail.
   *
   * @param kinds - the faults that are possible there
   * @returns the fault to inject; undefined = none
   */
  at<F extends Fault>(kinds: readonly F[]): F | undefined;
  /** Rate of a timed fault, from 0 to 1; undefined = never. */
  rateOf(fault: TimedFault): number | undefined;
}

/** Injects nothing. */
export const NO_FAULTS: Faults = { at: () => undefined, rateOf: () => undefined };
