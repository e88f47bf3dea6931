import { DtmArgumentError } from '../../protocol/internal.js';

/** Methods by which the messages of protobuf libraries encode themselves. */
const ENCODERS = ['toBinary', 'serializeBinary', 'finish', 'encode'] as const;

type Encoder = (this: unknown, message?: unknown) => unknown;

/**
 * The bytes of a protobuf message.
 *
 * @param payload - bytes, returned unchanged; an object with `toBinary()`, `serializeBinary()`, `finish()` or `encode()`; an
 *   object whose class has a static `encode`, as protobufjs generates it
 * @returns undefined for anything else
 * @throws DtmArgumentError when the method does not return bytes
 */
export function messageBytes(payload: unknown): Uint8Array | undefined {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload !== 'object' || payload === null) return undefined;
  for (const name of ENCODERS) {
    const encode = (payload as Readonly<Record<string, unknown>>)[name];
    if (typeof encode === 'function') return bytesOf((encode as Encoder).call(payload), name);
  }
  const type = payload.constructor as { encode?: unknown } | undefined;
  return typeof type?.encode === 'function' ? bytesOf((type.encode as Encoder)(payload), 'encode') : undefined;
}

/** protobufjs returns a writer, which has the bytes. */
function bytesOf(encoded: unknown, method: string): Uint8Array {
  const bytes =
    typeof encoded === 'object' && encoded !== null && 'finish' in encoded && typeof encoded.finish === 'function'
      ? (encoded.finish() as unknown)
      : encoded;
  if (bytes instanceof Uint8Array) return bytes;
  throw new DtmArgumentError(`${method}() of the payload must return bytes`);
}
