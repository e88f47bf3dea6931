/** What a client of HTTP/2 sends first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Length of the head of a frame. */
export const FRAME_HEAD_BYTES = 9;

/** The longest frame that servers accept by default. */
export const MAX_FRAME_BYTES = 16_384;

/** Types of frames. */
export const FRAME = { HEADERS: 1, PRIORITY: 2, SETTINGS: 4, WINDOW_UPDATE: 8 } as const;

/** SETTINGS that change nothing. */
export const EMPTY_SETTINGS = Buffer.from([0, 0, 0, FRAME.SETTINGS, 0, 0, 0, 0, 0]);

/** Flag of SETTINGS. */
const ACK = 0x01;

/** Flags of HEADERS. */
const PADDED = 0x08;
const PRIORITY = 0x20;

/** The most pseudo-headers before the other headers. */
const PSEUDO_HEADERS = 6;

/** `:authority` without a value, from the static table of HPACK. */
const EMPTY_AUTHORITY = 0x81;

/** Length of a frame with its head, whose head begins at a position. */
export function frameLength(bytes: Buffer, at: number): number {
  return FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
}

/** Type of the frame whose head begins at a position. */
export function frameType(bytes: Buffer, at: number): number {
  return bytes[at + 3]!;
}

/** Whether the frame whose head begins at a position confirms SETTINGS. */
export function isSettingsAck(bytes: Buffer, at: number): boolean {
  return frameType(bytes, at) === FRAME.SETTINGS && (bytes[at + 4]! & ACK) !== 0;
}

/**
 * Finds an empty `:authority`. Skips through the pseudo-headers, without decoding their values.
 *
 * @param frame - a frame of HEADERS
 * @returns its position
 */
export function findEmptyAuthority(frame: Buffer): number | undefined {
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
