import { Transform, type TransformCallback } from 'node:stream';

/** What a client of HTTP/2 says first. */
const PREFACE_BYTES = 24;

const FRAME_HEAD_BYTES = 9;

const HEADERS = 1;

/** Flags of a frame of headers. */
const PADDED = 0x08;
const PRIORITY = 0x20;

/** Longest frame that servers accept by default; a longer one is no business of ours. */
const MAX_FRAME_BYTES = 16_384;

/** More of them do not stand in front of the other headers. */
const PSEUDO_HEADERS = 6;

/** In the static table of HPACK: `:authority` without a value. */
const EMPTY_AUTHORITY = 0x81;

/** `:authority: localhost`, not to be put into the table of the connection. */
const LOCALHOST = Buffer.from('\u0001\u0009localhost', 'latin1');

/**
 * What a client of HTTP/2 sends, with a name wherever it sends an empty `:authority`: the clients of Polaris for Go do, and
 * Node refuses that.
 */
export class NamedAuthority extends Transform {
  /** The beginning of a frame. */
  #pending: Buffer = Buffer.alloc(0);
  /** So many bytes go on as they are. */
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
        this.push(withName(bytes.subarray(0, FRAME_HEAD_BYTES + length)));
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

function withName(frame: Buffer): Buffer {
  const position = emptyAuthorityIn(frame);
  if (position === undefined) return frame;
  const named = Buffer.concat([frame.subarray(0, position), LOCALHOST, frame.subarray(position + 1)]);
  named.writeUIntBE(named.length - FRAME_HEAD_BYTES, 0, 3);
  return named;
}

/** Goes through the first headers, as far as their values need not be understood. */
function emptyAuthorityIn(frame: Buffer): number | undefined {
  const flags = frame[4]!;
  let position = FRAME_HEAD_BYTES + (flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0);
  /** A number begins with the last bits of a byte, and goes on in others when they are all set. */
  const number = (bits: number): number => {
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
    // not in one step: the length is read first
    const length = number(7);
    position += length;
  };
  for (let header = 0; header < PSEUDO_HEADERS && position < frame.length; header++) {
    const first = frame[position]!;
    if (first === EMPTY_AUTHORITY) return position;
    if (first & 0x80) number(7);
    else if ((first & 0xe0) === 0x20) number(5);
    else {
      if (number(first & 0x40 ? 6 : 4) === 0) skipText();
      skipText();
    }
  }
  return undefined;
}
