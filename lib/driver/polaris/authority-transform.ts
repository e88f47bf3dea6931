import { Transform, type TransformCallback } from 'node:stream';

/** Length of the connection preface of HTTP/2. */
const PREFACE_BYTES = 24;

const FRAME_HEAD_BYTES = 9;

/** Type of a HEADERS frame. */
const HEADERS = 1;

/** Flags of a HEADERS frame. */
const PADDED = 0x08;
const PRIORITY = 0x20;

/** The longest frame that servers accept by default; a longer frame is forwarded unchanged. */
const MAX_FRAME_BYTES = 16_384;

/** The most pseudo-headers before the other headers. */
const PSEUDO_HEADERS = 6;

/** `:authority` without a value, from the static table of HPACK. */
const EMPTY_AUTHORITY = 0x81;

/** `:authority: localhost` as a literal that is not added to the dynamic table. */
const LOCALHOST = Buffer.from('\u0001\u0009localhost', 'latin1');

/**
 * Replaces an empty `:authority` in the bytes of an HTTP/2 client by `localhost`. Go's client of Polaris sends an empty value, which
 * Node refuses.
 */
export class AuthorityTransform extends Transform {
  /** The beginning of an incomplete frame. */
  #pending: Buffer = Buffer.alloc(0);
  /** The number of bytes to forward unchanged. */
  #passing = PREFACE_BYTES;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    let bytes = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    for (;;) {
      if (this.#passing > 0 && bytes.length > 0) {
        const passed = bytes.subarray(0, this.#passing);
        this.push(passed);
        this.#passing -= passed.length;
        bytes = bytes.subarray(passed.length);
      }
      if (bytes.length < FRAME_HEAD_BYTES) break;
      const length = bytes.readUIntBE(0, 3);
      if (bytes[3] === HEADERS && length < MAX_FRAME_BYTES - LOCALHOST.length) {
        if (bytes.length < FRAME_HEAD_BYTES + length) break;
        this.push(withAuthority(bytes.subarray(0, FRAME_HEAD_BYTES + length)));
        bytes = bytes.subarray(FRAME_HEAD_BYTES + length);
      } else {
        this.#passing = FRAME_HEAD_BYTES + length;
      }
    }
    this.#pending = bytes;
    callback();
  }

  override _flush(callback: TransformCallback): void {
    callback(null, this.#pending);
  }
}

function withAuthority(frame: Buffer): Buffer {
  const position = findEmptyAuthority(frame);
  if (position === undefined) return frame;
  const changed = Buffer.concat([frame.subarray(0, position), LOCALHOST, frame.subarray(position + 1)]);
  changed.writeUIntBE(changed.length - FRAME_HEAD_BYTES, 0, 3);
  return changed;
}

/** Skips through the pseudo-headers, without decoding their values. */
function findEmptyAuthority(frame: Buffer): number | undefined {
  const flags = frame[4]!;
  let position = FRAME_HEAD_BYTES + (flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0);
  /** An integer begins with the last bits of a byte, and continues in further bytes when all these bits are set. */
  const readInteger = (bits: number): number => {
    const most = (1 << bits) - 1;
    let value = frame[position++]! & most;
    if (value < most) return value;
    for (let shift = 0; shift < 28 && position < frame.length; shift += 7) {
      const byte = frame[position++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  const skipText = (): void => {
    // in two steps: reading the length moves the position
    const length = readInteger(7);
    position += length;
  };
  for (let header = 0; header < PSEUDO_HEADERS && position < frame.length; header++) {
    const first = frame[position]!;
    if (first === EMPTY_AUTHORITY) return position;
    if (first & 0x80) readInteger(7);
    else if ((first & 0xe0) === 0x20) readInteger(5);
    else {
      if (readInteger(first & 0x40 ? 6 : 4) === 0) skipText();
      skipText();
    }
  }
  return undefined;
}
