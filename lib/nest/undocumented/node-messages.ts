import type { IncomingMessage, ServerResponse } from 'node:http';

// Express and NodeAdapter pass the objects of node:http, or subclasses of them; Fastify has them in the property `raw`.

/** The request of `node:http` behind the platform's request; undefined when the platform shows none. */
export function findNodeRequest(request: object): IncomingMessage | undefined {
  const { raw = request } = request as { readonly raw?: unknown };
  const isNodeRequest = typeof raw === 'object' && raw !== null && 'readableDidRead' in raw && 'headers' in raw;
  return isNodeRequest ? (raw as unknown as IncomingMessage) : undefined;
}

/** The response of `node:http` behind the platform's response; undefined when the platform shows none. */
export function findNodeResponse(response: object): ServerResponse | undefined {
  const { raw = response } = response as { readonly raw?: unknown };
  return typeof raw === 'object' && raw !== null && 'headersSent' in raw
    ? (raw as unknown as ServerResponse)
    : undefined;
}

/** The platform's request to its response: `response.req` of `node:http`, Express and NodeAdapter, `reply.request` of Fastify. */
export function findRequestOf(response: object): unknown {
  const { request, req = request } = response as { readonly request?: unknown; readonly req?: unknown };
  return req;
}
