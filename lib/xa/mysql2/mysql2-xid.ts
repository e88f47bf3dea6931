import { DtmArgumentError } from '../../protocol/internal.js';
import type { XaKey } from '../xa-adapter.js';

/** `dtm` in ASCII: tells our transactions from those of others. */
const FORMAT_ID = 0x64_74_6d;

/** Most bytes of either part of a name. */
const MAX_PART_BYTES = 64;

/**
 * The name of a branch in SQL: its gid, its branch id, and a number that says that it is ours. Both texts stand there as
 * hexadecimal digits, so there is nothing to quote.
 *
 * @param branch - the branch
 * @throws DtmArgumentError when a part is too long
 */
export function mysqlXid({ gid, branchId }: XaKey): string {
  return `${part('gid', gid, gid)},${part('branch_id', branchId, gid)},${FORMAT_ID}`;
}

function part(name: string, text: string, gid: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_PART_BYTES) return `X'${bytes.toString('hex')}'`;
  throw new DtmArgumentError(
    `${name} has ${bytes.length} bytes; MySQL and MariaDB can prepare branches of ${MAX_PART_BYTES} bytes at most`,
    { gid },
  );
}

/**
 * The branch that a row of `xa recover` stands for.
 *
 * @param row - with formatID, gtrid_length, bqual_length and data
 * @returns undefined when it is not ours
 */
export function readMysqlXid(row: Readonly<Record<string, unknown>>): XaKey | undefined {
  const { formatID, gtrid_length: gidLength, data } = row;
  if (Number(formatID) !== FORMAT_ID) return undefined;
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(String(data));
  const length = Number(gidLength);
  return { gid: bytes.toString('utf8', 0, length), branchId: bytes.toString('utf8', length) };
}
