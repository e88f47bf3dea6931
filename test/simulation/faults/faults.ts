/** What can go wrong with a write of a coordinator. */
export const WRITE_FAULTS = [
  'crash before write',
  'crash after write',
  'write refused',
  'commit unknown',
  'slow write',
] as const;

/** What can go wrong with a read of a coordinator. */
export const READ_FAULTS = ['read refused', 'slow read'] as const;

/** What can go wrong with a call of a branch. */
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

/** What can go wrong with a request to a coordinator. */
export const REQUEST_FAULTS = [
  'request refused',
  'request lost',
  'request duplicated',
  'request late',
  'answer to request lost',
  'client crash before request',
  'client crash after request',
] as const;

/** What goes wrong at a random time, rather than with something that is done. */
export const MISHAPS = [
  'crash',
  'restart in order',
  'stall',
  'clock jump',
  'bank down',
  'banks slow',
  'store refuses',
  'store slow',
  'operator stops by force',
  'operator has one retried',
  'operator has all retried',
  'operator has a bank retried',
] as const;

/** Something that can go wrong when something is done. */
export type Fault =
  | (typeof WRITE_FAULTS)[number]
  | (typeof READ_FAULTS)[number]
  | (typeof CALL_FAULTS)[number]
  | (typeof REQUEST_FAULTS)[number];

/** Something that can go wrong at a random time. */
export type Mishap = (typeof MISHAPS)[number];

/** Decides what goes wrong, wherever something can. */
export interface Faults {
  /**
   * Called when something is done that may go wrong.
   *
   * @param kinds - what may go wrong there
   * @returns what does; undefined = nothing
   */
  at<F extends Fault>(kinds: readonly F[]): F | undefined;
  /** How often a mishap happens, from 0 to 1; undefined = never. */
  rateOf(mishap: Mishap): number | undefined;
}

/** Nothing goes wrong. */
export const NO_FAULTS: Faults = { at: () => undefined, rateOf: () => undefined };
