import { DtmConnectionError, DtmServerError, errorText } from '../../protocol/internal.js';
import type { HttpResponse } from '../../transport/index.js';

/** A call of a coordinator, for error messages. */
export interface CoordinatorCall {
  /** Address of the coordinator. */
  readonly address: string;
  /** Operation, e.g. `registerBranch`. */
  readonly operation: string;
  /** Transaction of the call. */
  readonly gid?: string | undefined;
}

/** Creates the error of a call that got no answer. */
export function noAnswer({ address, operation, gid }: CoordinatorCall, cause: unknown): DtmConnectionError {
  return new DtmConnectionError(`dtm at ${address} gave no answer to ${operation}: ${errorText(cause)}`, {
    cause,
    gid,
  });
}

/** Creates the error of an answer that cannot be read. */
export function unexpectedAnswer({ address, operation, gid }: CoordinatorCall, cause: unknown): DtmServerError {
  return new DtmServerError(`dtm at ${address} sent an unexpected answer to ${operation}: ${errorText(cause)}`, {
    cause,
    gid,
  });
}

/**
 * Refuses a redirect that was not followed: the request would lose its body, or its secrets would reach another server.
 *
 * @throws DtmServerError
 */
export function assertNoRedirect({ unfollowedRedirect }: HttpResponse, operation: string, gid?: string): void {
  if (unfollowedRedirect === undefined) return;
  throw new DtmServerError(`dtm refused ${operation}: ${unfollowedRedirect}`, { gid });
}

/** Whether a proxy says that it got no answer: as without the proxy, the coordinator may have executed the request. */
export function isProxyError({ status }: HttpResponse): boolean {
  return status >= 502 && status <= 504;
}

/**
 * Refuses an answer to `newGid` without a gid.
 *
 * @returns the gid
 * @throws DtmServerError
 */
export function assertNewGid(gid: unknown, address: string): string {
  if (typeof gid === 'string' && gid !== '') return gid;
  throw new DtmServerError(`dtm at ${address} answered newGid without a gid`);
}
