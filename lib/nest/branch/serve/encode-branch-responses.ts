import type { AbstractHttpAdapter } from '@nestjs/core';
import { SUCCESS_BODY, stringifyEscaped } from '../../../protocol/internal.js';
import { hasResult } from '../definition/branch-definition.js';
import { interceptReplies } from '../../undocumented/adapter-reply.js';
import { findIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';

/**
 * Encodes what branch methods return as dtm expects it, behind all interceptors. Whatever these make of result and status, a
 * success is 200: dtm takes every other status for an error, also 201. Errors and other routes are left alone.
 *
 * @param adapter - the application's HTTP adapter
 */
export function encodeBranchResponses(adapter: AbstractHttpAdapter): void {
  interceptReplies(adapter, (response, body, status) => {
    const call = findIncomingCall(response);
    // an error may come from outside of Nest's route, e.g. from a time-out while the method runs
    return !call || (status !== undefined && status >= 400) ? undefined : encodeSuccess(call, body);
  });
}

/** Not an empty text: the Java client takes it for an error. `Tcc.call` returns undefined for this body. */
function encodeSuccess({ definition }: IncomingBranchCall, result: unknown): string {
  return hasResult(definition) && result !== undefined ? stringifyEscaped(result) : SUCCESS_BODY;
}
