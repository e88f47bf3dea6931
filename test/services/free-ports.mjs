// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Distinct ports on 127.0.0.1 that the system had free a moment ago. Nothing reserves them, so whoever uses them must
 * be ready to ask again.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  // All are held at once: a port that was already closed again could be handed out twice.
  const holders = await Promise.all(Array.from({ length: count }, () => holdPort()));
  return Promise.all(holders.map(release));
}

/**
 * Such a port, and those at these distances from it, for a server that can be told only the first.
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
