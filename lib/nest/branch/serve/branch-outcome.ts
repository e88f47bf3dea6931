import { HttpException } from '@nestjs/common';
import {
  DtmFailureError,
  DtmOngoingError,
  GRPC_STATUS,
  errorOutcome,
  errorText,
  type UnsuccessfulOutcome,
} from '../../../protocol/internal.js';

/**
 * Outcome of what a guard, pipe, interceptor or the method threw. A 409 of Nest is a failure, and so are 400 and 422: no retry
 * can mend them. A coordinator retries a failure of what must not fail; this package's also counts it.
 */
export function thrownOutcome(error: unknown): UnsuccessfulOutcome {
  const status = error instanceof HttpException ? error.getStatus() : 0;
  const code = findRpcCode(error);
  const message = thrownMessage(error);
  if (code === GRPC_STATUS.FAILED_PRECONDITION) return { kind: 'ongoing', message, cause: error };
  const isFailure = status === 409 || status === 400 || status === 422 || code === GRPC_STATUS.ABORTED;
  return isFailure ? { kind: 'failure', message, cause: error } : { ...errorOutcome(error), message };
}

/** HTTP status of an unknown outcome: the one of an HttpException, unless dtm takes it for an outcome. */
export function unknownOutcomeStatus(error: unknown): number {
  return error instanceof HttpException ? errorStatus(error, 500) : 500;
}

/** HTTP status of a rejected call. */
export function rejectionStatus(error: unknown): number {
  return error instanceof HttpException ? errorStatus(error, 400) : 500;
}

/** gRPC code of a rejected call with this HTTP status. */
export function rejectionCode(status: number): number {
  if (status === 503) return GRPC_STATUS.UNAVAILABLE;
  if (status === 401) return GRPC_STATUS.UNAUTHENTICATED;
  if (status === 403) return GRPC_STATUS.PERMISSION_DENIED;
  return status >= 500 ? GRPC_STATUS.INTERNAL : GRPC_STATUS.INVALID_ARGUMENT;
}

/** Message of an error. The exception of a pipe lists its complaints in its response, not in its own message. */
export function thrownMessage(error: unknown): string {
  if (error instanceof HttpException) {
    const response = error.getResponse();
    const message: unknown = typeof response === 'object' ? (response as { message?: unknown }).message : response;
    if (Array.isArray(message)) return message.join('; ');
    if (typeof message === 'string') return message;
  }
  return errorText(error);
}

/**
 * Whether a caller may read the text of an error: a decision of the branch, and an exception whose text Nest itself answers. The
 * text of any other error may contain passwords, SQL or personal data.
 */
export function isForCallers(error: unknown): boolean {
  const isDecision = error instanceof DtmFailureError || error instanceof DtmOngoingError;
  return isDecision || error instanceof HttpException || isRpcException(error);
}

function errorStatus(error: HttpException, otherwise: number): number {
  const status = error.getStatus();
  return status < 400 || status === 409 || status === 425 ? otherwise : status;
}

/** Code that an RpcException carries. */
function findRpcCode(error: unknown): unknown {
  const inner = isRpcException(error) ? error.getError() : undefined;
  return typeof inner === 'object' && inner !== null ? (inner as { code?: unknown }).code : undefined;
}

/** An RpcException is found by its shape: `@nestjs/microservices` need not be installed. */
function isRpcException(error: unknown): error is Error & { getError(): unknown } {
  return error instanceof Error && typeof (error as { getError?: unknown }).getError === 'function';
}
