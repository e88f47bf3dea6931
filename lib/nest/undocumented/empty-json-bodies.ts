import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { AbstractHttpAdapter } from '@nestjs/core';

interface HookedRequest {
  readonly raw: IncomingMessage;
}

type Done = (error?: unknown, payload?: Readable) => void;

type PreParsingHook = (request: HookedRequest, reply: unknown, payload: Readable, done: Done) => void;

interface HookedInstance {
  addHook(name: 'preParsing', hook: PreParsingHook): void;
}

/** Whether the adapter's framework has hooks around its parsers, as Fastify has. */
export function hasParserHooks(adapter: AbstractHttpAdapter): boolean {
  const instance = adapter.getInstance<Partial<HookedInstance> | undefined>();
  return typeof instance?.addHook === 'function';
}

/**
 * Accepts a JSON content type without a body, which Fastify refuses with 400. Go dtm sends the second phase of XA in
 * this form. The hook runs before the application's parsers and leaves every byte to them.
 *
 * @param adapter - an adapter with {@link hasParserHooks}
 * @param mayBeEmpty - whether a request may have no body
 */
export function acceptEmptyJsonBodies(adapter: AbstractHttpAdapter, mayBeEmpty: (request: object) => boolean): void {
  adapter.getInstance<HookedInstance>().addHook('preParsing', (request, _reply, payload, done) => {
    const { headers, method } = request.raw;
    const looksEmpty = method !== 'GET' && Number(headers['content-length'] ?? 0) === 0;
    if (!looksEmpty || !mayBeEmpty(request)) return done(null, payload);
    whenEmptinessIsKnown(payload, (isEmpty) => {
      if (isEmpty) {
        // without these headers Fastify parses nothing
        delete headers['content-type'];
        delete headers['transfer-encoding'];
      }
      done(null, payload);
    });
  });
}

/** Tells whether a stream ends without a byte, and leaves its content in it. */
function whenEmptinessIsKnown(stream: Readable, then: (isEmpty: boolean) => void): void {
  const events = ['readable', 'end', 'error', 'close'];
  const look = (): void => {
    for (const event of events) stream.off(event, look);
    const chunk: unknown = stream.destroyed ? null : stream.read();
    if (chunk !== null) stream.unshift(chunk);
    then(chunk === null && !stream.destroyed);
  };
  for (const event of events) stream.on(event, look);
}
