import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes before the first page of a write-ahead log. */
const HEADER_BYTES = 32;

/** The last bit tells the byte order of the checksums. */
const MAGIC = 0x377f0682;

/**
 * Whether the header of a write-ahead log (https://www.sqlite.org/fileformat2.html#walformat) says nothing that SQLite
 * would believe. A crash does not leave such a header: it is written before anything that counts.
 *
 * @param path - of the log
 */
export function isLogDamaged(path: string): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    // a shorter one holds nothing yet
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
