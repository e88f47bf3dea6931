import { DtmArgumentError } from '../../protocol/internal.js';
import type { XaKey } from '../xa-adapter.js';

/** `dtm` in ASCII: marks the transactions of this package. */
const FORMAT_ID = 0x64_74_6d;

/** Maximum length of each part in bytes. */
const MAX_PART_BYTES = 64;

/**
 * The name of a branch in SQL: gid, branch id and the format id of this package. The ids are hexadecimal, so nothing needs
 * quotes.
 *
 * @throws DtmArgumentError when a part is too long
 */
export function mysqlXid({ gid, branchId }: XaKey): string {
  return `${part('gid', gid, gid)},${part('branch_id', branchId, gid)},${FORMAT_ID}`;
}

function part(name: string, text: string, gid: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_PART_BYTES) return `X'${bytes.toString('hex')}'`;
  throw new DtmArgumentError(
    `${name} has ${bytes.length} bytes; XA on MySQL and MariaDB allows at most ${MAX_PART_BYTES} bytes`,
    { gid },
  );
}

/**
 * Parses a row of `xa recover`.
 *
 * @param row - with formatID, gtrid_length, bqual_length and data
 * @returns undefined for a transaction of another program
 */
export function parseMysqlXid(row: Readonly<Record<string, unknown>>): XaKey | undefined {
  const { formatID, gtrid_length: gidLength, data } = row;
  if (Number(formatID) !== FORMAT_ID) return undefined;
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(String(data));
  const length = Number(gidLength);
  return { gid: bytes.toString('utf8', 0, length), branchId: bytes.toString('utf8', length) };
}
