import type { IncomingMessage } from 'node:http';
import { DtmArgumentError } from '../../protocol/index.js';

/** Most bytes of a request body, as in gRPC (`dtm-protocol.md` §3). */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The body is larger than the coordinator takes. */
export class BodyTooLargeError extends Error {}

/**
 * Reads the whole body of a request.
 *
 * @param request - the request
 * @throws BodyTooLargeError when it has more than 4 MiB; DtmArgumentError when it is not UTF-8
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLargeError(`the request body has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  } catch (cause) {
    throw new DtmArgumentError('the request body is not UTF-8', { cause });
  }
}
