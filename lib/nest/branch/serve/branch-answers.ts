import type { AbstractHttpAdapter } from '@nestjs/core';
import { SUCCESS_BODY, stringifyEscaped } from '../../../protocol/internal.js';
import { findIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { hasResult } from './branch-method.js';

/** A response that knows its request, on Fastify or on Express. */
interface Response {
  readonly request?: unknown;
  readonly req?: unknown;
}

/**
 * Makes dtm's answer of what branch methods return, behind all interceptors: whatever these did to result and status, a
 * success leaves as what dtm takes for one. Other answers pass, those to errors among them.
 *
 * @param adapter - the application's HTTP adapter
 */
export function answerBranches(adapter: AbstractHttpAdapter): void {
  const reply = adapter.reply.bind(adapter) as (response: Response, body: unknown, status?: number) => unknown;
  adapter.reply = (response: Response, body: unknown, status?: number): unknown => {
    const call = findIncomingCall(response.request ?? response.req);
    // an error may also come from outside of Nest's route, e.g. from a timeout while the method runs
    if (!call || (status !== undefined && status >= 400)) return reply(response, body, status);
    const text = successBody(call, body);
    adapter.setHeader(response, 'Content-Type', 'application/json');
    // to dtm every other status is an error, also one of the 2xx
    return reply(response, text, 200);
  };
}

/** Nothing is no text, which `Tcc.call` gives back as undefined. */
function successBody({ definition }: IncomingBranchCall, result: unknown): string {
  if (!hasResult(definition)) return SUCCESS_BODY;
  return result === undefined ? '' : stringifyEscaped(result);
}
