import { errorText } from '../../../protocol/internal.js';

/**
 * What a statement that failed has left behind.
 *
 * - `duplicate`: nothing; a unique key exists already
 * - `conflict`: nothing; others were in the way, trying again helps
 * - `interrupted`: nothing; the connection ended before the commit, trying again helps
 * - `unreachable`: nothing; there was no connection to send it on
 * - `refused`: nothing; the database did not want it
 * - `lost`: nobody knows; the connection ended before the answer
 */
export type FailureKind = 'duplicate' | 'conflict' | 'interrupted' | 'unreachable' | 'refused' | 'lost';

/** A statement failed. */
export class SqlFailure extends Error {
  /** What it has left behind. */
  readonly kind: FailureKind;

  /**
   * @param kind - what it has left behind
   * @param cause - the driver's error
   */
  constructor(kind: FailureKind, cause: unknown) {
    super(errorText(cause), { cause });
    this.kind = kind;
  }
}
