import {
  DtmArgumentError,
  decodeGenericPayload,
  encodeGenericPayload,
  encodeJson,
  isGenericMethod,
  isHttpUrl,
  type Payload,
} from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import { messageBytes } from './message-bytes.js';

/** Turns what users hand over into what branches get, and what branches answer into what users get. */
export interface PayloadCodec {
  /**
   * Encodes a payload.
   *
   * @param url - of the branch that gets it
   * @param payload - `undefined` means none
   * @throws DtmArgumentError when the branch could not read it
   */
  encode(url: string, payload: unknown): Payload;
  /**
   * Decodes what a branch answered.
   *
   * @param url - of the branch
   * @param body - its answer
   * @returns undefined when it answered nothing
   */
  decode(url: string, body: Payload): unknown;
}

/**
 * JSON: as it is for branches over HTTP, inside a `nestjsdtm.Payload` for those over gRPC that have no .proto of their own.
 * Other branches over gRPC take bytes, and message objects that encode themselves, only.
 */
export const jsonPayloads: PayloadCodec = {
  encode(url, payload) {
    if (payload instanceof Uint8Array) return payload;
    if (url === '' || isHttpUrl(url)) return encodeJson(payload);
    if (isGenericMethod(url)) return encodeGenericPayload(encodeJson(payload));
    const bytes = messageBytes(payload);
    if (bytes) return bytes;
    if (payload === undefined) return '';
    throw new DtmArgumentError(
      `the payload for ${url} must be bytes, or a message object that encodes itself: a branch over gRPC gets a protobuf ` +
        'message. For plain objects give payloads: protoPayloads({ protoPath })',
    );
  },
  decode(url, body) {
    if (typeof body === 'string') return parsed(body);
    return isGenericMethod(url) ? parsed(decodeGenericPayload(body)) : body;
  },
};

/** What {@link encodeFor} needs of the dependencies of a client. */
export interface EncodingDependencies {
  /** Encodes. @default jsonPayloads */
  readonly payloads?: PayloadCodec | undefined;
  /** Knows over what a branch is called. @default its URL says it */
  readonly transport?: Pick<Transport, 'isOverHttp'> | undefined;
}

/**
 * Encodes a payload for a branch, which may be one over HTTP although its URL holds a name.
 *
 * @param dependencies - of the client
 * @param url - of the branch; `''` when there are several
 * @param payload - `undefined` means none
 * @throws DtmArgumentError when the branch could not read it
 */
export function encodeFor(
  { payloads = jsonPayloads, transport }: EncodingDependencies,
  url: string,
  payload: unknown,
): Payload {
  return payloads.encode(transport?.isOverHttp?.(url) ? '' : url, payload);
}

/** What is no JSON is a text. */
function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
