import { DtmArgumentError } from '../../protocol/internal.js';
import type { XaKey } from '../xa-adapter.js';

/** Marks the prepared transactions of this package. */
export const XID_PREFIX = 'dtm:';

/** PostgreSQL stores 200 bytes, and needs the last one itself. */
const MAX_XID_BYTES = 199;

/**
 * The name of a prepared branch in PostgreSQL.
 *
 * @throws DtmArgumentError when the name would be too long or ambiguous
 */
export function pgXid({ gid, branchId }: XaKey): string {
  if (branchId.includes('-')) {
    throw new DtmArgumentError(`branch_id ${JSON.stringify(branchId)} must not contain "-" in XA`, {
      gid,
    });
  }
  const xid = `${XID_PREFIX}${gid}-${branchId}`;
  const bytes = Buffer.byteLength(xid);
  if (bytes <= MAX_XID_BYTES) return xid;
  const most = MAX_XID_BYTES - Buffer.byteLength(`${XID_PREFIX}-${branchId}`);
  throw new DtmArgumentError(
    `gid has ${Buffer.byteLength(gid)} bytes; PostgreSQL can prepare the branch ${branchId} of a gid with at most ${most} bytes`,
    { gid },
  );
}

/**
 * Parses the name of a prepared branch.
 *
 * @param xid - name from {@link pgXid}
 */
export function parsePgXid(xid: string): XaKey {
  const dash = xid.lastIndexOf('-');
  return { gid: xid.slice(XID_PREFIX.length, dash), branchId: xid.slice(dash + 1) };
}

/**
 * Quotes a name, for statements without parameters. A literal with `E` does not depend on `standard_conforming_strings`.
 *
 * @param xid - any text without NUL
 */
export function quotePgXid(xid: string): string {
  return `E'${xid.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
