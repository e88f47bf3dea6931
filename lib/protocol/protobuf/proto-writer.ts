import { DELIMITED, VARINT } from './proto-reader.js';

/** Writes protobuf fields one after the other. */
export class ProtoWriter {
  readonly #chunks: Uint8Array[] = [];

  /**
   * Writes an integer; a boolean is written as 0 or 1.
   *
   * @param id - number of the field
   * @param value - from -2⁵³ to 2⁵³
   */
  number(id: number, value: number): this {
    this.#chunks.push(varint(id * 8 + VARINT), varint(value));
    return this;
  }

  /** Writes bytes, or a message that was written before. */
  bytes(id: number, value: Uint8Array): this {
    this.#chunks.push(varint(id * 8 + DELIMITED), varint(value.length), value);
    return this;
  }

  /** Writes a text as UTF-8. */
  text(id: number, value: string): this {
    return this.bytes(id, Buffer.from(value));
  }

  /** Returns the bytes of the message. */
  finish(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function varint(value: number): Uint8Array {
  const encoded = [];
  if (value >= 0 && value <= 0x7fff_ffff) {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) encoded.push((rest & 0x7f) | 0x80);
    encoded.push(rest);
  } else {
    // negative numbers have all 64 bits
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) encoded.push(Number(rest & 0x7fn) | 0x80);
    encoded.push(Number(rest));
  }
  return Uint8Array.from(encoded);
}
