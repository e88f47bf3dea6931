import { randomUUID } from 'node:crypto';

/** The alphabet of gids in Go dtm. */
const BASE57 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Creates a global id as Go dtm does: a random UUID in base 57. See docs/protocol.md#identifiers. */
export function newGid(): string {
  let rest = BigInt(`0x${randomUUID().replaceAll('-', '')}`);
  let gid = '';
  for (; rest > 0n; rest /= 57n) gid += BASE57[Number(rest % 57n)];
  return gid;
}
