import { DtmArgumentError, DtmServerError } from '../errors.js';
import { GRPC_STATUS, grpcStatusName } from '../grpc/grpc-status.js';
import type { Payload } from '../payload.js';
import type { NotExecutedBranches } from './not-executed-branches.js';
import { errorOutcome, type Outcome, type UnsuccessfulOutcome } from './outcome.js';
import { stripOutcomeWord, type OutcomeWord } from './outcome-words.js';
import { cutReason, reasonIn } from './reason.js';

/** gRPC status of an answer that is not a success. */
export interface GrpcError {
  /** One of {@link GRPC_STATUS}. */
  readonly code: number;
  /** Text of the status. */
  readonly message: string;
  /** What the trailer {@link NOT_EXECUTED_TRAILER} says. @default no trailer */
  readonly notExecuted?: NotExecutedBranches | undefined;
}

/** Trailer of a failure: see {@link NotExecutedBranches}. */
export const NOT_EXECUTED_TRAILER = 'dtm-not_executed';

/**
 * Maximum number of bytes of a status message: it is sent percent-encoded in a header, and clients take 8 KiB of
 * headers.
 */
const MAX_MESSAGE_BYTES = 2000;

/** Statuses that a server answers again, however often it is asked. */
const DEFINITE: ReadonlySet<number> = new Set([
  GRPC_STATUS.INVALID_ARGUMENT,
  GRPC_STATUS.NOT_FOUND,
  GRPC_STATUS.ALREADY_EXISTS,
  GRPC_STATUS.PERMISSION_DENIED,
  GRPC_STATUS.OUT_OF_RANGE,
  GRPC_STATUS.UNIMPLEMENTED,
  GRPC_STATUS.UNAUTHENTICATED,
]);

/** How gRPC libraries say with RESOURCE_EXHAUSTED that a message exceeds a limit, of request or answer. */
const TOO_LARGE = /\bmessage (?:after decompression )?(?:is )?(?:larger than|too large|exceeds)/i;

/**
 * Reads the outcome in a gRPC answer: docs/protocol.md#grpc-outcomes.
 *
 * @param code - status code
 * @param message - status message
 * @param body - the answered message. @default none
 * @param notExecuted - what the trailer {@link NOT_EXECUTED_TRAILER} says. @default no trailer
 */
export function readGrpcOutcome(
  code: number,
  message: string,
  body: Payload = '',
  notExecuted?: NotExecutedBranches,
): Outcome {
  if (code === GRPC_STATUS.OK) return { kind: 'success', body };
  if (code === GRPC_STATUS.FAILED_PRECONDITION) return { kind: 'ongoing', message: reasonIn(message) };
  // old participants say "ongoing" like this
  if (code === GRPC_STATUS.ABORTED && message === 'ONGOING') return { kind: 'ongoing', message: '' };
  if (code === GRPC_STATUS.ABORTED) {
    return notExecuted
      ? { kind: 'failure', message: reasonIn(message), notExecuted }
      : { kind: 'failure', message: reasonIn(message) };
  }
  // a target that can be reached answers another status
  const unreachable = code === GRPC_STATUS.UNAVAILABLE || code === GRPC_STATUS.DEADLINE_EXCEEDED;
  const definite = DEFINITE.has(code) || (code === GRPC_STATUS.RESOURCE_EXHAUSTED && TOO_LARGE.test(message));
  return { kind: 'unknown', message: `${grpcStatusName(code)}: ${cutReason(message)}`, unreachable, definite };
}

/**
 * Writes what an operation of the coordinator threw as a gRPC status: docs/protocol.md#grpc-errors.
 *
 * @param error - anything thrown
 */
export function writeGrpcError(error: unknown): GrpcError {
  const outcome = errorOutcome(error);
  const { kind, message } = outcome;
  if (kind !== 'unknown') return writeGrpcOutcome(outcome);
  if (error instanceof DtmArgumentError) return { code: GRPC_STATUS.INVALID_ARGUMENT, message: sendable(message) };
  if (error instanceof DtmServerError) return { code: GRPC_STATUS.UNKNOWN, message: sendable(message) };
  return { code: GRPC_STATUS.INTERNAL, message: sendable(message) };
}

/** Writes the outcome of a branch as a gRPC status, ABORTED, FAILED_PRECONDITION or UNKNOWN: docs/protocol.md#grpc-outcomes. */
export function writeGrpcOutcome({ kind, message, notExecuted }: UnsuccessfulOutcome): GrpcError {
  if (kind === 'failure') return { code: GRPC_STATUS.ABORTED, message: decisive('FAILURE', message), notExecuted };
  if (kind === 'ongoing') return { code: GRPC_STATUS.FAILED_PRECONDITION, message: decisive('ONGOING', message) };
  return { code: GRPC_STATUS.UNKNOWN, message: sendable(message) };
}

/** The message ends with the word, as over HTTP: clients in Go show the text. */
function decisive(word: OutcomeWord, message: string): string {
  const text = sendable(stripOutcomeWord(message));
  return text === '' ? word : `${text} ${word}`;
}

/** Cuts a message to well-formed text that fits into a header. */
function sendable(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString('utf8');
  // a character that was cut in two is now a replacement character at the end
  return `${bytes.toString('utf8', 0, MAX_MESSAGE_BYTES).replace(/\ufffd+$/, '')}…`;
}
