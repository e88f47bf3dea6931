import { errorText } from './error-text.js';
import { DtmArgumentError } from './errors.js';

/**
 * Body of a branch call, sent verbatim: a text (JSON over HTTP), or bytes (gRPC). An empty one means "no payload":
 * dtm calls HTTP branches with GET then.
 */
export type Payload = string | Uint8Array;

/** A value that JSON can hold without loss or surprise is refused or encoded by {@link encodeJson}. */
function refuseUnsafe(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const kind = typeof value;
  if (kind === 'function' || kind === 'symbol' || kind === 'bigint') {
    throw new DtmArgumentError(`payload field "${key}" is a ${kind}, which JSON cannot hold; send a number or a text`);
  }
  if (kind === 'number' && !Number.isFinite(value)) {
    throw new DtmArgumentError(`payload field "${key}" is ${String(value)}, which JSON turns into null`);
  }
  if (value === null && this[key] instanceof Date) {
    throw new DtmArgumentError(`payload field "${key}" is an invalid Date, which JSON turns into null`);
  }
  if (value instanceof Map || value instanceof Set) {
    throw new DtmArgumentError(
      `payload field "${key}" is a ${value.constructor.name}, which JSON empties; send an array or object`,
    );
  }
  return value;
}

/**
 * Encodes a payload as JSON text, refusing what JSON would drop or change without a word.
 *
 * @param value - the payload; `undefined` means none
 * @returns JSON text, or `''` for none
 * @throws DtmArgumentError for functions, symbols, bigints, NaN, Infinity, invalid dates, Map, Set and circular structures
 */
export function encodeJson(value: unknown): string {
  if (value === undefined) return '';
  try {
    return (JSON.stringify(value, refuseUnsafe) as string | undefined) ?? '';
  } catch (cause) {
    if (cause instanceof DtmArgumentError) throw cause;
    throw new DtmArgumentError(`payload is not JSON: ${errorText(cause)}`, {
      cause,
    });
  }
}

/**
 * A payload as text, for the transports that carry text only.
 *
 * @param payload - text or UTF-8 bytes
 * @throws DtmArgumentError when the bytes are not UTF-8
 */
export function payloadText(payload: Payload): string {
  if (typeof payload === 'string') return payload;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch (cause) {
    throw new DtmArgumentError('payload bytes are not UTF-8 text; HTTP carries text only, use gRPC for bytes', {
      cause,
    });
  }
}

/**
 * A payload as bytes.
 *
 * @param payload - text (encoded as UTF-8) or bytes
 */
export function payloadBytes(payload: Payload): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
}
