import {
  PREFACE,
  FRAME,
  FRAME_HEAD_BYTES,
  MAX_FRAME_BYTES,
  findEmptyAuthority,
  frameLength,
  frameType,
  isSettingsAck,
} from './http2-frames.js';

/** `:authority: localhost` as a literal that is not added to the dynamic table. */
const LOCALHOST = Buffer.from('\u0001\u0009localhost', 'latin1');

/** Replaces an empty `:authority` in the bytes of an HTTP/2 client by `localhost`. */
export class AuthorityMender {
  #dropsAck: boolean;
  /** The beginning of an incomplete frame. */
  #pending: Buffer = Buffer.alloc(0);
  /** The number of bytes to forward unchanged. */
  #passing = PREFACE.length;

  /** @param dropsAck - whether to leave the first confirmation of SETTINGS out */
  constructor(dropsAck = false) {
    this.#dropsAck = dropsAck;
  }

  /** Mends the next bytes; returns what can be forwarded of all bytes so far. */
  mend(chunk: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    let bytes = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    for (;;) {
      if (this.#passing > 0 && bytes.length > 0) {
        const passed = bytes.subarray(0, this.#passing);
        parts.push(passed);
        this.#passing -= passed.length;
        bytes = bytes.subarray(passed.length);
      }
      if (bytes.length < FRAME_HEAD_BYTES) break;
      const length = frameLength(bytes, 0);
      if (this.#dropsAck && isSettingsAck(bytes, 0)) {
        this.#dropsAck = false;
        bytes = bytes.subarray(FRAME_HEAD_BYTES);
      } else if (frameType(bytes, 0) === FRAME.HEADERS && length < MAX_FRAME_BYTES) {
        if (bytes.length < length) break;
        parts.push(...withAuthority(bytes.subarray(0, length)));
        bytes = bytes.subarray(length);
      } else {
        // a longer frame is forwarded unchanged
        this.#passing = length;
      }
    }
    this.#pending = bytes;
    return parts;
  }

  /** The beginning of an incomplete frame, when the client sends nothing more. */
  rest(): Buffer {
    return this.#pending;
  }
}

function withAuthority(frame: Buffer): Buffer[] {
  const position = findEmptyAuthority(frame);
  if (position === undefined) return [frame];
  const changed = Buffer.concat([frame.subarray(0, position), LOCALHOST, frame.subarray(position + 1)]);
  changed.writeUIntBE(changed.length - FRAME_HEAD_BYTES, 0, 3);
  return [changed];
}
