import { UnprocessableEntityException } from '@nestjs/common';
import { findNodeRequest } from '../../undocumented/node-messages.js';
import { RejectedCallException } from './rejected-call.exception.js';

/** A request with what the application's parsers made of its body. */
export interface RequestWithBody {
  body?: unknown;
}

/**
 * Sets the body to undefined when the request had none, whatever a parser made of it (Express: `{}`).
 *
 * @param request - the platform's request, after its body was parsed
 * @param isFailure - whether a payload that cannot be read is a failure of the branch
 * @throws UnprocessableEntityException or else RejectedCallException (415) when the request has a body that no parser read: a
 *   payload must not get lost
 */
export function normalizeBody(request: RequestWithBody, isFailure: boolean): void {
  const nodeRequest = findNodeRequest(request);
  // a platform that does not show the bytes is trusted with the body
  if (!nodeRequest || nodeRequest.readableDidRead) return;
  const { headers, method } = nodeRequest;
  const isUnread = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  const { body } = request;
  if (body === undefined && isUnread && method === 'POST') {
    const message =
      `the application has no parser for a payload of the content type ${headers['content-type'] ?? 'none'}; ` +
      'send application/json, or register a parser';
    throw isFailure ? new UnprocessableEntityException(message) : new RejectedCallException(415, message);
  }
  if (body === null || (typeof body === 'object' && Object.keys(body).length === 0)) request.body = undefined;
}
