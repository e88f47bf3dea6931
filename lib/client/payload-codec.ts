import { DtmArgumentError, encodeJson, isHttpUrl, payloadText, type Payload } from '../protocol/index.js';

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

/** JSON for branches over HTTP; those over gRPC take bytes only. */
export const jsonPayloads: PayloadCodec = {
  encode(url, payload) {
    if (payload instanceof Uint8Array) return payload;
    if (url === '' || isHttpUrl(url)) return encodeJson(payload);
    if (payload === undefined) return '';
    throw new DtmArgumentError(
      `the payload for ${url} must be bytes: a branch over gRPC gets the message as it is, encode it first`,
    );
  },
  decode(_url, body) {
    if (body.length === 0) return undefined;
    if (typeof body !== 'string') return body;
    try {
      return JSON.parse(payloadText(body)) as unknown;
    } catch {
      return body;
    }
  },
};
