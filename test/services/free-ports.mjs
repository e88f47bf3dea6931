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
  const holders = await Promise.all(Array.from({ length: count }, holdPort));
  return Promise.all(holders.map(release));
}

async function holdPort() {
  const holder = createServer();
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  return holder;
}

/** @param {import('node:net').Server} holder */
async function release(holder) {
  const { port } = /** @type {import('node:net').AddressInfo} */ (holder.address());
  holder.close();
  await once(holder, 'close');
  return port;
}
