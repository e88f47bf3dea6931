import { messageCodec } from '../protobuf/message-codec.js';
import { BRANCH_PROTO } from './definitions/branch-proto.js';

const payload = messageCodec('nestjsdtm.Payload', [BRANCH_PROTO]);

/**
 * Whether a gRPC method or branch URL leads to a service of the package `nestjsdtm`, which takes JSON.
 *
 * @param url - branch URL, or full method
 */
export function isGenericMethod(url: string): boolean {
  return /\/nestjsdtm\.[^/.]+\/[^/]+$/.test(url);
}

/**
 * Writes a `nestjsdtm.Payload`; no bytes at all stand for "no payload".
 *
 * @param json - JSON text, `''` for none
 */
export function encodeGenericPayload(json: string): Buffer {
  return payload.encode({ Json: Buffer.from(json) });
}

/** How every `nestjsdtm.Payload` with content begins, and no JSON that anybody writes: field 1, of a given length. */
const FIRST_BYTE = 0x0a;

/**
 * Reads a `nestjsdtm.Payload`. JSON that is in no message is taken as well: that is what subscribers of a topic get, who
 * may be reached over HTTP or gRPC.
 *
 * @param bytes - the message
 * @returns JSON text, `''` for none
 * @throws DtmArgumentError when it is no such message
 */
export function decodeGenericPayload(bytes: Uint8Array): string {
  if (bytes[0] !== FIRST_BYTE) return Buffer.from(bytes).toString();
  const { Json: json } = payload.decode(bytes) as { readonly Json: Uint8Array };
  return Buffer.from(json).toString();
}
