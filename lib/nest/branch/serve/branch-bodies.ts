import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { looksLikeBranchCall, type BranchRequest } from './incoming-branch-call.js';
import { RejectedCallException } from './rejected-call.exception.js';

/** A request with its body, on every platform. */
export interface RequestWithBody extends BranchRequest {
  /** HTTP method. */
  readonly method: string;
  /** What the platform's parser made of the body. */
  body?: unknown;
  /** Fastify: the request of Node. */
  readonly raw?: IncomingMessage;
}

type ExpressError = { readonly type?: unknown; readonly body?: unknown } | undefined;
type Done = (error?: unknown, payload?: Readable) => void;

interface FastifyInstance {
  addHook(
    name: 'preParsing',
    hook: (request: RequestWithBody & { raw: IncomingMessage }, reply: unknown, payload: Readable, done: Done) => void,
  ): void;
}

/**
 * Lets bodies through that dtm and its SDKs send and that the platforms refuse before any handler: JSON that is neither
 * object nor array (Express; Go's client sends `null` for "no payload"), and a JSON content type without a body (Fastify).
 * Only requests with dtm's parameters are touched, and only after the application's own parsers and their limits.
 *
 * @param adapter - the application's HTTP adapter
 */
export function acceptBranchBodies(adapter: AbstractHttpAdapter): void {
  const platform = adapter.getType();
  if (platform === 'express') adapter.use(acceptJsonValue);
  if (platform === 'fastify') adapter.getInstance<FastifyInstance>().addHook('preParsing', acceptNoBody);
}

/** Express middleware for errors, known by its four parameters: the strict parser hands the text over in its error. */
function acceptJsonValue(
  error: ExpressError,
  request: RequestWithBody,
  _response: unknown,
  next: (error?: unknown) => void,
): void {
  if (error?.type !== 'entity.parse.failed' || typeof error.body !== 'string' || !looksLikeBranchCall(request))
    return next(error);
  try {
    request.body = JSON.parse(error.body) as unknown;
  } catch {
    return next(error);
  }
  next();
}

function acceptNoBody(
  request: RequestWithBody & { raw: IncomingMessage },
  _reply: unknown,
  payload: Readable,
  done: Done,
): void {
  const { headers, method } = request.raw;
  const maybeEmpty = method !== 'GET' && Number(headers['content-length'] ?? 0) === 0;
  if (!maybeEmpty || !looksLikeBranchCall(request)) return done(null, payload);
  whenEmptyIsKnown(payload, (empty) => {
    if (empty) {
      // without these Fastify takes the request for what it is: one without a body
      delete headers['content-type'];
      delete headers['transfer-encoding'];
    }
    done(null, payload);
  });
}

/** Tells whether a stream ends without a byte; what it holds is left in it. */
function whenEmptyIsKnown(stream: Readable, then: (empty: boolean) => void): void {
  const events = ['readable', 'end', 'error', 'close'];
  const look = (): void => {
    for (const event of events) stream.off(event, look);
    const chunk: unknown = stream.destroyed ? null : stream.read();
    if (chunk !== null) stream.unshift(chunk);
    then(chunk === null && !stream.destroyed);
  };
  for (const event of events) stream.on(event, look);
}

/**
 * Sets the body to undefined when the request had none, whatever a parser made of nothing (Express: `{}`).
 *
 * @param request - the platform's request, after its body was parsed
 * @throws RejectedCallException (415) when there is a body that nothing parsed: a payload must not get lost without a word
 */
export function normalizeBody(request: RequestWithBody): void {
  const raw = request.raw ?? (request as unknown as IncomingMessage);
  if (raw.readableDidRead) return;
  const { body } = request;
  const unread = Number(raw.headers['content-length'] ?? 0) > 0 || raw.headers['transfer-encoding'] !== undefined;
  if (body === undefined && unread && raw.method === 'POST') {
    throw new RejectedCallException(
      415,
      `the payload has the content type ${raw.headers['content-type'] ?? 'none'}, which the application does not parse`,
    );
  }
  if (body === null || (typeof body === 'object' && Object.keys(body).length === 0)) request.body = undefined;
}
