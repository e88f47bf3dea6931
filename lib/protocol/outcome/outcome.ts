import { errorText } from '../error-text.js';
import type { Payload } from '../payload.js';
import { DtmBranchError, DtmFailureError, DtmOngoingError, type DtmError, type DtmErrorOptions } from '../errors.js';

/**
 * What a call to a branch or to the coordinator came to. Only `success`, `failure` and `ongoing` decide anything; `unknown`
 * is everything else (no answer, a 500, a 201), and the call is repeated.
 */
export type Outcome =
  | {
      readonly kind: 'success';
      /** What was answered: text over HTTP, the message's bytes over gRPC. */
      readonly body: Payload;
    }
  | {
      readonly kind: 'failure' | 'ongoing' | 'unknown';
      readonly message: string;
      readonly cause?: unknown;
      /** Unknown because nobody is there: no answer came, or a proxy says that it got none. @default false */
      readonly unreachable?: boolean | undefined;
    };

/** Any outcome but success. */
export type UnsuccessfulOutcome = Exclude<Outcome, { kind: 'success' }>;

/**
 * The error that stands for an outcome other than success.
 *
 * @param outcome - failure, ongoing or unknown
 * @param what - names the branch that answered, for the message
 * @param options - gid
 */
export function outcomeError(outcome: UnsuccessfulOutcome, what: string, options: DtmErrorOptions = {}): DtmError {
  const details = { cause: outcome.cause, ...options };
  switch (outcome.kind) {
    case 'failure':
      return new DtmFailureError(outcome.message || `${what} failed`, details);
    case 'ongoing':
      return new DtmOngoingError(outcome.message || `${what} is not decided yet`, details);
    case 'unknown':
      return new DtmBranchError(`${what}: ${outcome.message}`, details);
  }
}

/**
 * The outcome that an error thrown by user code stands for: {@link DtmFailureError} and {@link DtmOngoingError} say what
 * they mean, everything else is unknown and will be asked again.
 *
 * @param error - anything thrown
 */
export function errorOutcome(error: unknown): UnsuccessfulOutcome {
  const message = errorText(error);
  if (error instanceof DtmFailureError) return { kind: 'failure', message, cause: error };
  if (error instanceof DtmOngoingError) return { kind: 'ongoing', message, cause: error };
  return { kind: 'unknown', message, cause: error };
}
