import { fstatSync, readSync } from 'node:fs';

/** Bytes before the first frame of a write-ahead log. */
const HEADER_BYTES = 32;

/** Bytes before the page of a frame. */
const FRAME_HEADER_BYTES = 24;

/** The last bit is 0 for checksums over little-endian words. */
const MAGIC = 0x377f0682;

/** Header of a write-ahead log (https://www.sqlite.org/fileformat2.html#walformat). */
export interface LogHeader {
  readonly pageSize: number;
  /** First salt: SQLite adds one each time it begins the log again, because all of the log is in the file. */
  readonly salt: number;
  /** Both salts as the log and each of its frames contain them. */
  readonly salts: Buffer;
}

/**
 * Reads the header of a write-ahead log.
 *
 * @param fd - the open log
 * @returns undefined for a log that is too short for a commit, `damaged` for a header that SQLite would not accept. A crash
 *   leaves no damaged header: SQLite flushes the header before it writes a frame.
 */
export function readLogHeader(fd: number): LogHeader | 'damaged' | undefined {
  const bytes = Buffer.alloc(HEADER_BYTES);
  if (readSync(fd, bytes, 0, HEADER_BYTES, 0) < HEADER_BYTES) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) !== MAGIC) return 'damaged';
  const checksum = new LogChecksum(bytes);
  checksum.add(bytes, 0, 24);
  if (!checksum.isStoredAt(bytes, 24)) return 'damaged';
  return { pageSize: bytes.readUInt32BE(8), salt: bytes.readUInt32BE(16), salts: bytes.subarray(16, 24) };
}

/**
 * Whether commits follow on a damaged part of a log: SQLite stops reading there and would drop them. A commit follows on
 * another only after that one was flushed, so a power failure cannot leave such a log. It can leave an incomplete last
 * commit, and failed commits leave frames behind; neither of these has frames that continue a commit.
 *
 * @param fd - the open log
 */
export function hasDamagedCommits(fd: number, { pageSize, salts }: LogHeader): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(fd, header, 0, HEADER_BYTES, 0);
  const checksum = new LogChecksum(header);
  checksum.continueFrom(header, 24);
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + pageSize);
  let isDamaged = false;
  let isAfterCommit = false;
  for (let at = HEADER_BYTES; readSync(fd, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    checksum.add(frame, 0, 8);
    checksum.add(frame, FRAME_HEADER_BYTES, frame.length);
    const isOfThisLog = salts.equals(frame.subarray(8, 16));
    if (!isOfThisLog || !checksum.isStoredAt(frame, 16)) isDamaged = true;
    else if (isDamaged && isAfterCommit) return true;
    isAfterCommit = isOfThisLog && frame.readUInt32BE(4) !== 0;
    checksum.continueFrom(frame, 16);
  }
  return false;
}

/**
 * Whether the log has a frame; behind the end of a log are frames of the log before.
 *
 * @param fd - the open log
 * @param number - number of the frame, from 1
 */
export function hasFrame(fd: number, { pageSize, salts }: LogHeader, number: number): boolean {
  const offset = HEADER_BYTES + (number - 1) * (FRAME_HEADER_BYTES + pageSize) + 8;
  return readSync(fd, found, 0, found.length, offset) === found.length && salts.equals(found);
}

/**
 * Whether frames of the log follow on something else. While a store is open, only a change by another program leaves that.
 *
 * @param fd - the open log
 */
export function hasGap(fd: number, header: LogHeader): boolean {
  const count = Math.floor((fstatSync(fd).size - HEADER_BYTES) / (FRAME_HEADER_BYTES + header.pageSize));
  let isEnd = false;
  for (let number = 1; number <= count; number++) {
    const isFrame = hasFrame(fd, header, number);
    if (isFrame && isEnd) return true;
    isEnd = !isFrame;
  }
  return false;
}

const found = Buffer.alloc(8);

/** The checksum of a write-ahead log: each frame continues that of the frame before. */
class LogChecksum {
  readonly #isLittleEndian: boolean;
  #first = 0;
  #second = 0;

  /** @param header - of the log; the last bit of its magic number is the byte order of the words */
  constructor(header: Buffer) {
    this.#isLittleEndian = header.readUInt32BE(0) === MAGIC;
  }

  add(bytes: Buffer, from: number, to: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const isLittleEndian = this.#isLittleEndian;
    let [first, second] = [this.#first, this.#second];
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, isLittleEndian) + second) | 0;
      second = (second + view.getUint32(at + 4, isLittleEndian) + first) | 0;
    }
    [this.#first, this.#second] = [first, second];
  }

  isStoredAt(bytes: Buffer, at: number): boolean {
    return bytes.readInt32BE(at) === this.#first && bytes.readInt32BE(at + 4) === this.#second;
  }

  continueFrom(bytes: Buffer, at: number): void {
    this.#first = bytes.readInt32BE(at);
    this.#second = bytes.readInt32BE(at + 4);
  }
}
