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
  const reason = errorText(cause);
  const message = `dtm at ${address} gave no answer to ${operation}: ${reason}${remedyFor(reason)}`;
  return new DtmConnectionError(message, { cause, gid });
}

/** What to do about a coordinator that was never reached, or did not answer in time; nothing for a connection that broke. */
function remedyFor(reason: string): string {
  return REMEDIES.find(([text]) => text.test(reason))?.[1] ?? '';
}

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /time-out after|DEADLINE_EXCEEDED/,
    '; it may have executed the call, so query the transaction; timeoutSeconds of the client sets this time',
  ],
  [/ECONNREFUSED/, '; start the coordinator, for example by npx nestjs-dtm serve, or correct its URL'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, '; correct the host in its URL'],
  [/wrong version number/, '; the server does not use TLS, so write http:// or grpc:// in its URL'],
  [
    /Protocol error/,
    '; the server does not speak gRPC at this port, so give the gRPC port, or http:// in front of the HTTP port',
  ],
  [/other side closed|HTTP\/1\.1 protocol|HPE_/, '; if this is its gRPC port, leave http:// out of the URL'],
];

/** Creates the error of an answer that cannot be read. */
export function unexpectedAnswer({ address, operation, gid }: CoordinatorCall, cause: unknown): DtmServerError {
  const message = `dtm at ${address} sent an unexpected answer to ${operation}: ${errorText(cause)}; ${CHECK_URL}`;
  return new DtmServerError(message, { cause, gid });
}

const CHECK_URL = 'check that the URL is that of a coordinator';

/** Ends the message about an answer with the status 404: the server knows no such operation. */
export function notFoundRemedy({ status }: Pick<HttpResponse, 'status'>, address: string): string {
  return status === 404
    ? `; the server at ${address} has no such operation, so ${CHECK_URL}, and not of an older one`
    : '';
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
