import {
  DtmArgumentError,
  decodeGenericPayload,
  encodeGenericPayload,
  encodeJson,
  isGenericMethod,
  isHttpUrl,
  isJsonObject,
  type Payload,
} from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';
import { messageBytes } from './message-bytes.js';

/** Encodes the payloads of users for branches, and decodes the answers of branches. */
export interface PayloadCodec {
  /**
   * Encodes a payload.
   *
   * @param url - of the branch
   * @param payload - `undefined` means no payload
   * @throws DtmArgumentError when the payload cannot be encoded for this branch
   */
  encode(url: string, payload: unknown): Payload;
  /**
   * Decodes the answer of a branch.
   *
   * @param url - of the branch
   * @param body - the answer
   * @returns undefined for an answer without a result: empty, or `{"dtm_result":"SUCCESS"}`
   */
  decode(url: string, body: Payload): unknown;
}

/**
 * Encodes payloads as JSON: for branches over HTTP, and inside a `nestjsdtm.Payload` for gRPC branches without a .proto file.
 * Payloads of other gRPC branches must be bytes, or message objects that encode themselves.
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
      `the payload for ${url} must be bytes, or a message object that encodes itself, because a gRPC branch receives a ` +
        'protobuf message; for plain objects set payloads: protoPayloads({ protoPath })',
    );
  },
  decode(url, body) {
    if (typeof body === 'string') return parseText(body);
    return isGenericMethod(url) ? parseText(decodeGenericPayload(body)) : body;
  },
};

export interface PayloadDependencies {
  /** Encodes the payload. @default jsonPayloads */
  readonly payloads?: PayloadCodec | undefined;
  /** Knows which branches are called over HTTP. @default those with a URL of HTTP */
  readonly transport?: Pick<Transport, 'isOverHttp'> | undefined;
}

/**
 * Encodes a payload for a branch. A branch is also called over HTTP when a driver finds the name in its URL over HTTP.
 *
 * @param url - of the branch; `''` for a topic
 * @param payload - `undefined` means no payload
 * @throws DtmArgumentError when the payload cannot be encoded for this branch
 */
export function encodePayload(
  { payloads = jsonPayloads, transport }: PayloadDependencies,
  url: string,
  payload: unknown,
): Payload {
  return payloads.encode(transport?.isOverHttp?.(url) ? '' : url, payload);
}

/** A text that is not JSON is returned as it is. A success without a result is an empty text, or the word SUCCESS. */
function parseText(text: string): unknown {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isBareSuccess(value) ? undefined : value;
  } catch {
    return text;
  }
}

/** The Java client adds `"gid": null`. */
function isBareSuccess(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { dtm_result: result, ...others } = value;
  return result === 'SUCCESS' && Object.values(others).every((other) => other === null);
}
