import type { AbstractHttpAdapter } from '@nestjs/core';

/** Gives what takes the place of what a route would send; its type is JSON. */
export type ReplaceReply = (
  response: object,
  body: unknown,
  status: number | undefined,
) => { readonly status: number; readonly body: string } | undefined;

/**
 * Replaces what routes send. Every response of a Nest route passes the adapter's `reply`, after all interceptors and with
 * the response that guards saw. So does every answer of Nest to an error before a route. Nest calls the method on the adapter object and has no hook in this place.
 *
 * @param adapter - the application's HTTP adapter
 * @param replace - gives the new status and body; undefined leaves the reply alone
 */
export function interceptReplies(adapter: AbstractHttpAdapter, replace: ReplaceReply): void {
  const reply = adapter.reply.bind(adapter) as (response: object, body: unknown, status?: number) => unknown;
  adapter.reply = (response: object, body: unknown, status?: number): unknown => {
    const replaced = replace(response, body, status);
    if (replaced === undefined) return reply(response, body, status);
    adapter.setHeader(response, 'Content-Type', 'application/json');
    return reply(response, replaced.body, replaced.status);
  };
}
