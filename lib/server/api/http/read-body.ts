import type { IncomingMessage } from 'node:http';
import { DtmArgumentError } from '../../../protocol/internal.js';

/** Maximum number of bytes of a request body; gRPC has the same limit. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Maximum number of bytes that are read of a larger body: a client that is disconnected while it sends may never see
 * the answer.
 */
const MAX_DRAINED_BYTES = 16 * MAX_BODY_BYTES;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The body exceeds the limit. */
export class BodyTooLargeError extends Error {}

/**
 * Reads the whole body of a request.
 *
 * @throws BodyTooLargeError when the body has more than 4 MiB; DtmArgumentError when it is not UTF-8
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const bytes = await readBytes(request);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DtmArgumentError('the request body is not UTF-8', { cause });
  }
}

/** Uses events: asynchronous iteration costs as much as the rest of a request. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    const rejectTooLarge = (): void => {
      request.removeAllListeners('data').pause();
      reject(new BodyTooLargeError(`the request body has more than ${MAX_BODY_BYTES} bytes`));
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) return void chunks.push(chunk);
      chunks = [];
      if (size > MAX_DRAINED_BYTES) rejectTooLarge();
    });
    request.once('end', () => {
      if (size > MAX_BODY_BYTES) rejectTooLarge();
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.once('error', reject);
  });
}
