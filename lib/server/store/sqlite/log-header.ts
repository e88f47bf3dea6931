import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes before the first page of a write-ahead log. */
const HEADER_BYTES = 32;

/** The last bit is the byte order of the checksums. */
const MAGIC = 0x377f0682;

/**
 * Whether SQLite would ignore a write-ahead log because of its header (https://www.sqlite.org/fileformat2.html#walformat).
 * A crash does not leave such a header: SQLite writes the header before any commit.
 *
 * @param path - path of the log
 */
export function isLogDamaged(path: string): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    // a shorter log contains no commit
    if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return false;
  } finally {
    closeSync(file);
  }
  const magic = header.readUInt32BE(0);
  if ((magic & ~1) !== MAGIC) return true;
  const word = (index: number): number =>
    magic === MAGIC ? header.readUInt32LE(4 * index) : header.readUInt32BE(4 * index);
  let [first, second] = [0, 0];
  for (let index = 0; index < 6; index += 2) {
    first = (first + word(index) + second) >>> 0;
    second = (second + word(index + 1) + first) >>> 0;
  }
  return first !== header.readUInt32BE(24) || second !== header.readUInt32BE(28);
}
