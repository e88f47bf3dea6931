// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Finds distinct free ports on 127.0.0.1. The ports are not reserved: another process may take one before its use, so
 * callers must be ready to retry.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  // holds all ports at once: a closed port could be returned twice
  const holders = await Promise.all(Array.from({ length: count }, () => holdPort()));
  return Promise.all(holders.map(release));
}

/**
 * Finds a free port with further free ports at fixed offsets, for a server that derives ports from its first one.
 *
 * @param {readonly number[]} offsets
 * @returns {Promise<number[]>}
 */
export async function freePortsAround(offsets) {
  for (;;) {
    const base = await holdPort();
    const port = portOf(base);
    const others = await Promise.allSettled(offsets.map((offset) => holdPort(port + offset)));
    const free = others.filter((other) => other.status === 'fulfilled').map(({ value }) => value);
    const ports = await Promise.all([base, ...free].map(release));
    if (free.length === offsets.length) return ports;
  }
}

/** @param {number} [port] Default: any. */
async function holdPort(port = 0) {
  const holder = createServer();
  holder.listen(port, '127.0.0.1');
  await once(holder, 'listening');
  return holder;
}

/** @param {import('node:net').Server} holder */
async function release(holder) {
  const port = portOf(holder);
  holder.close();
  await once(holder, 'close');
  return port;
}

/** @param {import('node:net').Server} holder */
function portOf(holder) {
  return /** @type {import('node:net').AddressInfo} */ (holder.address()).port;
}
