import type { AbstractHttpAdapter } from '@nestjs/core';

/** A body that takes the place of what a route would send; its status is 200 and its type is JSON. */
export type ReplaceReply = (response: object, body: unknown, status: number | undefined) => string | undefined;

/**
 * Replaces what routes send. Every response of a Nest route passes the adapter's `reply`, after all interceptors and with
 * the response that guards saw. Nest calls the method on the adapter object and has no hook in this place.
 *
 * @param adapter - the application's HTTP adapter
 * @param replace - gives the new body; undefined leaves the reply alone
 */
export function interceptReplies(adapter: AbstractHttpAdapter, replace: ReplaceReply): void {
  const reply = adapter.reply.bind(adapter) as (response: object, body: unknown, status?: number) => unknown;
  adapter.reply = (response: object, body: unknown, status?: number): unknown => {
    const text = replace(response, body, status);
    if (text === undefined) return reply(response, body, status);
    adapter.setHeader(response, 'Content-Type', 'application/json');
    return reply(response, text, 200);
  };
}
