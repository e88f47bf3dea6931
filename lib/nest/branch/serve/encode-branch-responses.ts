import type { AbstractHttpAdapter } from '@nestjs/core';
import { SUCCESS_BODY, stringifyEscaped, type HttpAnswer } from '../../../protocol/internal.js';
import { processWide } from '../../../support/process-wide.js';
import { hasResult, type BranchDefinition } from '../definition/branch-definition.js';
import { interceptReplies } from '../../undocumented/adapter-reply.js';
import { encodeRefusedPayload } from './encode-refused-payload.js';
import { findAnsweredCall, type IncomingBranchCall } from './incoming-branch-call.js';

/**
 * Encodes the results of branch methods as dtm expects them, after all interceptors have run. Every success gets the
 * status 200, even if an interceptor set another status: dtm treats any other status as an error, including 201. The refusal of a
 * payload by a body parser becomes a failure. Other errors and other routes are not changed.
 *
 * @param adapter - the application's HTTP adapter
 * @param findDefinition - the branch at a path
 */
export function encodeBranchResponses(
  adapter: AbstractHttpAdapter,
  findDefinition: (path: string) => BranchDefinition | undefined,
): void {
  interceptReplies(adapter, (response, body, status) => {
    if (findAnsweredCall(response)) return encodeReply(response, body, status);
    return refusals.has(response) ? undefined : encodeRefusedPayload(response, body, status, findDefinition);
  });
}

/** Responses to calls that a branch refused before it was known what is called. */
const refusals = processWide('refusals', () => new WeakSet<object>());

/** Leaves what a branch answers to an error as it is. */
export function keepRefusal(response: object): void {
  refusals.add(response);
}

/**
 * Encodes the reply of a branch method.
 *
 * @returns undefined for errors and other routes
 */
export function encodeReply(response: object, body: unknown, status: number | undefined): HttpAnswer | undefined {
  const call = findAnsweredCall(response);
  // an error may come from outside of Nest's route, e.g. from a time-out while the method runs
  return !call || (status !== undefined && status >= 400)
    ? undefined
    : { status: 200, body: encodeSuccess(call, body) };
}

/**
 * Never encodes an empty text, which the Java client treats as an error. `Tcc.call` returns undefined for
 * `SUCCESS_BODY`.
 */
function encodeSuccess({ definition }: IncomingBranchCall, result: unknown): string {
  return hasResult(definition) && result !== undefined ? stringifyEscaped(result) : SUCCESS_BODY;
}
