import { DtmArgumentError } from '../errors.js';

/** Wire types: a number of varying length, or bytes after their length. */
export const VARINT = 0;
export const DELIMITED = 2;

const FIXED_64 = 1;
const FIXED_32 = 5;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Fields of a message and the messages in it. */
export interface FieldBudget {
  readonly max: number;
  read: number;
  /** Different keys of all maps. @default no limit */
  readonly maxKeys?: number;
  keys?: number;
}

/** Reads protobuf fields one after the other; throws DtmArgumentError at the first fault. */
export class ProtoReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;
  readonly #budget: FieldBudget;
  /** Upper half of the last number. */
  #high = 0;

  /**
   * @param bytes - the message, or a message around it
   * @param start - index of the first byte
   * @param end - index after the last byte
   * @param budget - fields that may be read, shared with embedded messages
   */
  constructor(
    bytes: Buffer,
    start: number = 0,
    end: number = bytes.length,
    budget: FieldBudget = { max: Infinity, read: 0 },
  ) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#budget = budget;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** Reads the number of a field, times 8, plus its wire type. */
  tag(): number {
    const budget = this.#budget;
    if (++budget.read > budget.max) throw new DtmArgumentError(`the message has more than ${budget.max} fields`);
    return this.#short();
  }

  /** Counts a key of a map that the map did not have. */
  countKey(): void {
    const budget = this.#budget;
    const { maxKeys = Infinity } = budget;
    budget.keys = (budget.keys ?? 0) + 1;
    if (budget.keys > maxKeys) throw new DtmArgumentError(`the message has more than ${maxKeys} keys in its maps`);
  }

  /** Reads an unsigned number of up to 32 bits. */
  #short(): number {
    const low = this.#varint();
    if (this.#high !== 0) throw new DtmArgumentError('the message has a length or field number above 32 bits');
    return low;
  }

  /** Reads a number: returns the lower half, and sets the upper half. */
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
    throw new DtmArgumentError('the message has a number of more than 10 bytes');
  }

  /** Reads a signed integer; it is not exact above 2⁵³. */
  int64(): number {
    const low = this.#varint();
    return (this.#high | 0) * 0x1_0000_0000 + low;
  }

  /** Reads a boolean: any number but zero is true. */
  boolean(): boolean {
    return this.#varint() !== 0 || this.#high !== 0;
  }

  /** Reads bytes, as a view on the message. */
  bytes(): Buffer {
    const [start, end] = this.#range();
    return this.#bytes.subarray(start, end);
  }

  /** Reads a text. */
  text(): string {
    const bytes = this.bytes();
    const text = bytes.toString('utf8');
    if (!text.includes('\ufffd')) return text;
    // the character was sent, or replaces bytes that are not UTF-8
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw new DtmArgumentError('the message has a text that is not UTF-8', { cause });
    }
  }

  /** Reads the range of an embedded message, and returns the reader of it. */
  message(): ProtoReader {
    const [start, end] = this.#range();
    return new ProtoReader(this.#bytes, start, end, this.#budget);
  }

  /** Skips a value of a wire type. */
  skip(wireType: number): void {
    if (wireType === VARINT) this.#varint();
    else if (wireType === DELIMITED) this.#range();
    else if (wireType === FIXED_64) this.#move(8);
    else if (wireType === FIXED_32) this.#move(4);
    else throw new DtmArgumentError(`the message has a field of the unknown wire type ${wireType}`);
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
  return new DtmArgumentError('the message is truncated');
}
