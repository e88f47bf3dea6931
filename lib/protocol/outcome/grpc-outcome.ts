import { DtmArgumentError, DtmServerError } from '../errors.js';
import { GRPC_STATUS, grpcStatusName } from '../grpc/grpc-status.js';
import type { Payload } from '../payload.js';
import { errorOutcome, type Outcome, type UnsuccessfulOutcome } from './outcome.js';
import { stripOutcomeWord, type OutcomeWord } from './outcome-words.js';
import { cutReason, reasonIn } from './reason.js';

/** A gRPC answer that carries an error: status code and message. */
export interface GrpcError {
  /** One of {@link GRPC_STATUS}. */
  readonly code: number;
  /** Text of the status. */
  readonly message: string;
}

/** Bytes of a message that we send: it travels percent-encoded in a header, for which clients have room for 8 KiB. */
const MAX_MESSAGE_BYTES = 2000;

/**
 * Reads a gRPC answer by the rules of docs/protocol.md#grpc-outcomes.
 *
 * @param code - status code
 * @param message - status message
 * @param body - message that was answered. @default none
 */
export function readGrpcOutcome(code: number, message: string, body: Payload = ''): Outcome {
  if (code === GRPC_STATUS.OK) return { kind: 'success', body };
  if (code === GRPC_STATUS.FAILED_PRECONDITION) return { kind: 'ongoing', message: reasonIn(message) };
  // how old participants say "ongoing"
  if (code === GRPC_STATUS.ABORTED && message === 'ONGOING') return { kind: 'ongoing', message: '' };
  if (code === GRPC_STATUS.ABORTED) return { kind: 'failure', message: reasonIn(message) };
  // whoever answers at all says something else
  const unreachable = code === GRPC_STATUS.UNAVAILABLE || code === GRPC_STATUS.DEADLINE_EXCEEDED;
  return { kind: 'unknown', message: `${grpcStatusName(code)}: ${cutReason(message)}`, unreachable };
}

/**
 * The status that an operation of the coordinator ends with when it throws: docs/protocol.md#grpc-errors.
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

/**
 * The status that a branch ends with: ABORTED for a failure, FAILED_PRECONDITION for ongoing, UNKNOWN for what decides
 * nothing.
 *
 * @param outcome - failure, ongoing or unknown
 */
export function writeGrpcOutcome({ kind, message }: UnsuccessfulOutcome): GrpcError {
  if (kind === 'failure') return { code: GRPC_STATUS.ABORTED, message: decisive('FAILURE', message) };
  if (kind === 'ongoing') return { code: GRPC_STATUS.FAILED_PRECONDITION, message: decisive('ONGOING', message) };
  return { code: GRPC_STATUS.UNKNOWN, message: sendable(message) };
}

/** The word stands once at the end, as over HTTP: Go's clients show the text. */
function decisive(word: OutcomeWord, message: string): string {
  const text = sendable(stripOutcomeWord(message));
  return text === '' ? word : `${text} ${word}`;
}

/** Well-formed text of a length that a header can hold. */
function sendable(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString('utf8');
  // a character that was cut apart becomes a replacement character at the end
  return `${bytes.toString('utf8', 0, MAX_MESSAGE_BYTES).replace(/\ufffd+$/, '')}…`;
}
