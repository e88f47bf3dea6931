import { DtmArgumentError } from '../errors.js';

/** How a value is written: a number of varying length, or bytes with their length in front. */
export const VARINT = 0;
export const DELIMITED = 2;

const FIXED_64 = 1;
const FIXED_32 = 5;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads protobuf fields one after the other; refuses what ends too early or is no UTF-8. */
export class ProtoReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;
  /** Upper half of the number that was read last. */
  #high = 0;

  /**
   * @param bytes - the message, or one around it
   * @param start - where the message begins
   * @param end - behind its last byte
   */
  constructor(bytes: Buffer, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Nothing is left. */
  get isAtEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** Number of a field, times 8, and how it is written. */
  tag(): number {
    return this.#short();
  }

  /** A number without sign of up to 32 bits. */
  #short(): number {
    const low = this.#varint();
    if (this.#high !== 0) throw new DtmArgumentError('the message holds a length or field number above 32 bits');
    return low;
  }

  /** Lower half of a number; the upper one is kept aside. */
  #varint(): number {
    let low = 0;
    this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.isAtEnd) throw truncated();
      const byte = this.#bytes[this.#position++]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) this.#high |= bits >>> 4;
      else if (shift > 28) this.#high |= bits << (shift - 32);
      if (byte < 0x80) return low >>> 0;
    }
    throw new DtmArgumentError('the message holds a number of more than 10 bytes');
  }

  /** A whole number with sign; above 2⁵³ not exact. */
  int64(): number {
    const low = this.#varint();
    return (this.#high | 0) * 0x1_0000_0000 + low;
  }

  /** Anything but zero. */
  boolean(): boolean {
    return this.#varint() !== 0 || this.#high !== 0;
  }

  /** A view on bytes with their length in front. */
  bytes(): Buffer {
    const [start, end] = this.#range();
    return this.#bytes.subarray(start, end);
  }

  /** A text with its length in front. */
  text(): string {
    const bytes = this.bytes();
    const text = bytes.toString('utf8');
    if (!text.includes('\ufffd')) return text;
    // sent as it is, or put in place of what is no UTF-8
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw new DtmArgumentError('the message holds a text that is not UTF-8', { cause });
    }
  }

  /** The reader of a message with its length in front. */
  message(): ProtoReader {
    const [start, end] = this.#range();
    return new ProtoReader(this.#bytes, start, end);
  }

  /**
   * Leaves a field out.
   *
   * @param wireType - how it is written
   */
  skip(wireType: number): void {
    if (wireType === VARINT) this.#varint();
    else if (wireType === DELIMITED) this.#range();
    else if (wireType === FIXED_64) this.#move(8);
    else if (wireType === FIXED_32) this.#move(4);
    else throw new DtmArgumentError(`the message holds a field of the unknown kind ${wireType}`);
  }

  #range(): [number, number] {
    const length = this.#short();
    const start = this.#position;
    this.#move(length);
    return [start, this.#position];
  }

  #move(length: number): void {
    if (length > this.#end - this.#position) throw truncated();
    this.#position += length;
  }
}

function truncated(): DtmArgumentError {
  return new DtmArgumentError('the message ends too early');
}
