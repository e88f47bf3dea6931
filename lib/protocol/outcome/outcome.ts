import { errorText } from '../error-text.js';
import type { Payload } from '../payload.js';
import {
  DtmBranchError,
  DtmFailureError,
  DtmOngoingError,
  type DtmOutcomeError,
  type DtmOutcomeErrorOptions,
} from '../errors.js';
import type { NotExecutedBranches } from './not-executed-branches.js';
import { branchReason } from './reason.js';

/**
 * Result of a call to a branch or to the coordinator. `success` and `failure` decide the branch, `ongoing` asks for another
 * call. Everything else is `unknown` (no answer, a 500, a 201), and the call is repeated: docs/protocol.md#outcomes.
 */
export type Outcome =
  | {
      readonly kind: 'success';
      /** Body of the answer: text over HTTP, the bytes of the message over gRPC. */
      readonly body: Payload;
    }
  | {
      readonly kind: 'failure' | 'ongoing' | 'unknown';
      readonly message: string;
      readonly cause?: unknown;
      /** Unknown because the target, or a proxy in front of it, gave no answer. @default false */
      readonly unreachable?: boolean | undefined;
      /** With `unreachable`: the server was reached, so that other paths of it may answer. @default false */
      readonly connected?: boolean | undefined;
      /** Unknown for a reason that waiting does not change, such as a 404. @default false */
      readonly definite?: boolean | undefined;
      /**
       * Failure that the participant gave before its method began, so that this call changed nothing (`true`), or because of nested
       * branches that were refused like this. @default none
       */
      readonly notExecuted?: NotExecutedBranches | undefined;
    };

/** Any outcome but success. */
export type UnsuccessfulOutcome = Exclude<Outcome, { kind: 'success' }>;

/**
 * Turns an outcome other than success into the error of an initiator.
 *
 * @param outcome - failure, ongoing or unknown
 * @param what - names the branch or the operation in the message
 * @param options - gid and branch. The URL of the branch is in the message of an unknown outcome only
 */
export function outcomeError(
  outcome: UnsuccessfulOutcome,
  what: string,
  options: DtmOutcomeErrorOptions = {},
): DtmOutcomeError {
  const reason = branchReason(outcome.message) || undefined;
  const details = { cause: outcome.cause, reason, ...options };
  switch (outcome.kind) {
    case 'failure':
      return new DtmFailureError(reason ?? `${what} failed`, details);
    case 'ongoing':
      return new DtmOngoingError(reason ?? `${what} is not decided yet`, details);
    case 'unknown': {
      const url = options.branch?.url;
      return new DtmBranchError(`${what}${url ? ` at ${url}` : ''}: ${outcome.message}`, details);
    }
  }
}

/**
 * Turns what a branch threw into its outcome: failure for a {@link DtmFailureError}, ongoing for a {@link DtmOngoingError},
 * unknown for everything else.
 *
 * @param error - anything thrown
 */
export function errorOutcome(error: unknown): UnsuccessfulOutcome {
  const message = errorText(error);
  if (error instanceof DtmFailureError) return { kind: 'failure', message, cause: error };
  if (error instanceof DtmOngoingError) return { kind: 'ongoing', message, cause: error };
  return { kind: 'unknown', message, cause: error };
}
