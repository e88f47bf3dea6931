import { errorText } from '../../../protocol/internal.js';

/**
 * Effect of a failed statement.
 *
 * - `duplicate`: nothing; the unique key exists
 * - `conflict`: nothing; the transaction conflicts with a concurrent one, a retry helps
 * - `interrupted`: nothing; the connection ended before the commit, a retry helps
 * - `unreachable`: nothing; there was no connection
 * - `refused`: nothing; the database refused the statement
 * - `lost`: unknown; the connection ended before the answer
 */
export type FailureKind = 'duplicate' | 'conflict' | 'interrupted' | 'unreachable' | 'refused' | 'lost';

/** A statement failed. */
export class SqlFailure extends Error {
  /** Effect of the statement. */
  readonly kind: FailureKind;

  /** @param kind - what the statement changed */
  constructor(kind: FailureKind, cause: unknown) {
    super(errorText(cause), { cause });
    this.kind = kind;
  }
}
