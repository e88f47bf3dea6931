import type { AbstractHttpAdapter } from '@nestjs/core';

/** Request with a body that a parser sets. */
interface ParsedRequest {
  body?: unknown;
}

type ParserError = { readonly type?: unknown; readonly body?: unknown } | undefined;

type Next = (error?: unknown) => void;

/**
 * Accepts JSON that is neither object nor array, which strict parsers refuse with 400 (Express, NodeAdapter). Go's client
 * sends `null` for "no payload". The application's parsers and their limits come first: such a parser hands over the text
 * in its error, `{ type: 'entity.parse.failed', body }`.
 *
 * The adapter's `use` must take Connect's middleware for errors, which has four parameters. An adapter that knows only plain
 * middleware passes three arguments, and its requests go on untouched.
 *
 * @param adapter - the application's HTTP adapter
 * @param isMeant - whether a request may have such a body
 */
export function acceptStrictJsonBodies(adapter: AbstractHttpAdapter, isMeant: (request: object) => boolean): void {
  // the number of parameters tells Connect that the middleware is for errors
  const middleware = (...args: [ParserError, ParsedRequest, unknown, Next]): void => {
    const [error, request, , next] = args;
    if (typeof next !== 'function') return (args as unknown as [unknown, unknown, Next])[2]();
    if (error?.type !== 'entity.parse.failed' || typeof error.body !== 'string' || !isMeant(request)) {
      return next(error);
    }
    try {
      request.body = JSON.parse(error.body) as unknown;
    } catch {
      return next(error);
    }
    next();
  };
  adapter.use(Object.defineProperty(middleware, 'length', { value: 4 }));
}
