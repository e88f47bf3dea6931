import { messageCodec } from '../protobuf/message-codec.js';
import { BRANCH_PROTO } from './definitions/branch-proto.js';

const payload = messageCodec('nestjsdtm.Payload', [BRANCH_PROTO]);

/** Whether a gRPC branch URL or method belongs to a service of the package `nestjsdtm`, which takes JSON. */
export function isGenericMethod(url: string): boolean {
  return /\/nestjsdtm\.[^/.]+\/[^/]+$/.test(url);
}

/**
 * Writes a `nestjsdtm.Payload`: docs/protocol.md#grpc-branch-calls. An empty message means "no payload".
 *
 * @param json - JSON text, `''` for no payload
 */
export function encodeGenericPayload(json: string): Buffer {
  return payload.encode({ Json: Buffer.from(json) });
}

/** First byte of every `nestjsdtm.Payload` with content (field 1, length-delimited); practically no JSON begins with it. */
const FIRST_BYTE = 0x0a;

/**
 * Reads a `nestjsdtm.Payload`, or JSON without the message around it: subscribers of a topic get plain JSON, whether they
 * are called over HTTP or gRPC.
 *
 * @returns JSON text, `''` for no payload
 * @throws DtmArgumentError when the bytes are neither
 */
export function decodeGenericPayload(bytes: Uint8Array): string {
  if (bytes[0] !== FIRST_BYTE) return Buffer.from(bytes).toString();
  const { Json: json } = payload.decode(bytes) as { readonly Json: Uint8Array };
  return Buffer.from(json).toString();
}
