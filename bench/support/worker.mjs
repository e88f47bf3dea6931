import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pinning } from './pinning.mjs';

/** @import { Role } from './pinning.mjs' */

/**
 * Handlers of a process by name; arguments and results are sent as JSON.
 *
 * @typedef {Record<string, (...args: any[]) => unknown>} Handlers
 */

/**
 * A benchmark process, as its parent uses it.
 *
 * @template {Handlers} H
 * @typedef {object} Worker
 * @property {<N extends keyof H>(name: N, ...args: Parameters<H[N]>) => Promise<Awaited<ReturnType<H[N]>>>} call
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a process whose script calls {@link serve}.
 *
 * @template {Handlers} H
 * @param {URL} script
 * @param {Role} role - determines the core of the process
 * @returns {Promise<Worker<H>>}
 */
export async function startWorker(script, role) {
  const [program, ...rest] = [...pinning(role), process.execPath, fileURLToPath(script)];
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`${script.pathname} did not start`))),
  ]);

  return {
    call: async (name, ...args) => {
      child.send({ name, args });
      const [answer] = await Promise.race([once(child, 'message'), ended.then(() => [{ error: 'the process ended' }])]);
      if (answer.error !== undefined) throw new Error(`${String(name)} of ${script.pathname}: ${answer.error}`);
      return answer.result;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/**
 * Serves the calls of the parent process one at a time, and exits with the parent.
 *
 * @param {Handlers} handlers
 */
export function serve(handlers) {
  process.on('message', async (/** @type {{ name: string, args: unknown[] }} */ { name, args }) => {
    try {
      process.send?.({ result: await handlers[name]?.(...args) });
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.stack : String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ ready: true });
}

/**
 * Processor time of this process.
 *
 * @returns {number} seconds
 */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
