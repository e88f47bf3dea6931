import { DtmArgumentError } from '../../protocol/internal.js';
import type { XaKey } from '../xa-adapter.js';

/** Tells our prepared transactions from those of others. */
export const XID_PREFIX = 'dtm:';

/** PostgreSQL keeps 200 bytes, of which the last one is its own. */
const MAX_XID_BYTES = 199;

/**
 * The name under which PostgreSQL keeps a branch.
 *
 * @param branch - the branch
 * @throws DtmArgumentError when it would be too long, or could be that of another branch
 */
export function pgXid({ gid, branchId }: XaKey): string {
  if (branchId.includes('-')) {
    throw new DtmArgumentError(`branch_id ${JSON.stringify(branchId)} has a "-", which an XA branch must not have`, {
      gid,
    });
  }
  const xid = `${XID_PREFIX}${gid}-${branchId}`;
  const bytes = Buffer.byteLength(xid);
  if (bytes <= MAX_XID_BYTES) return xid;
  const most = MAX_XID_BYTES - Buffer.byteLength(`${XID_PREFIX}-${branchId}`);
  throw new DtmArgumentError(
    `gid has ${Buffer.byteLength(gid)} bytes; PostgreSQL can prepare a branch ${branchId} of one with ${most} bytes at most`,
    { gid },
  );
}

/**
 * The branch that a name stands for.
 *
 * @param xid - name that {@link pgXid} made
 */
export function readPgXid(xid: string): XaKey {
  const dash = xid.lastIndexOf('-');
  return { gid: xid.slice(XID_PREFIX.length, dash), branchId: xid.slice(dash + 1) };
}

/**
 * The name as a literal, for statements that take no parameters. The form with `E` reads alike whatever
 * `standard_conforming_strings` is.
 *
 * @param xid - any text without NUL
 */
export function quotePgXid(xid: string): string {
  return `E'${xid.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
