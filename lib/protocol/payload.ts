import { errorText } from './error-text.js';
import { DtmArgumentError } from './errors.js';

/**
 * Body of a branch call, sent as it is: a string (JSON over HTTP), or bytes (gRPC). An empty one means "no payload"; dtm
 * then calls an HTTP branch with GET.
 */
export type Payload = string | Uint8Array;

/** Refuses a value that JSON would drop or change. */
function refuseUnsafe(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const kind = typeof value;
  if (kind === 'function' || kind === 'symbol' || kind === 'bigint') {
    throw new DtmArgumentError(
      `payload field "${key}" is a ${kind}, which JSON cannot hold; send a number or a string`,
    );
  }
  if (kind === 'number' && !Number.isFinite(value)) {
    throw new DtmArgumentError(
      `payload field "${key}" is ${String(value)}, which JSON turns into null; send a finite number or a string`,
    );
  }
  if (value === null && this[key] instanceof Date) {
    throw new DtmArgumentError(
      `payload field "${key}" is an invalid Date, which JSON turns into null; send a valid Date`,
    );
  }
  if (value instanceof Map || value instanceof Set) {
    throw new DtmArgumentError(
      `payload field "${key}" is a ${value.constructor.name}, which JSON turns into {}; send an array or an object`,
    );
  }
  return value;
}

/**
 * Encodes a payload as JSON, and refuses what JSON would silently drop or change.
 *
 * @param value - the payload; `undefined` means no payload
 * @returns JSON text, or `''` for no payload
 * @throws DtmArgumentError for functions, symbols, bigints, NaN, Infinity, invalid dates, Map, Set and circular structures
 */
export function encodeJson(value: unknown): string {
  if (value === undefined) return '';
  try {
    return (JSON.stringify(value, refuseUnsafe) as string | undefined) ?? '';
  } catch (cause) {
    if (cause instanceof DtmArgumentError) throw cause;
    throw new DtmArgumentError(`the payload cannot be written as JSON: ${errorText(cause)}`, { cause });
  }
}

/**
 * Reads a payload as text, for transports that carry only text.
 *
 * @param payload - text or UTF-8 bytes
 * @throws DtmArgumentError when the bytes are not UTF-8
 */
export function payloadText(payload: Payload): string {
  if (typeof payload === 'string') return payload;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch (cause) {
    throw new DtmArgumentError(
      'the payload is not UTF-8 text, and HTTP carries only text; send text, or use gRPC for bytes',
      {
        cause,
      },
    );
  }
}

/**
 * Reads a payload as bytes; text is encoded as UTF-8.
 *
 * @param payload - text or bytes
 */
export function payloadBytes(payload: Payload): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
}
