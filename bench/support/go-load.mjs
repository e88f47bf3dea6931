import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';
import { pinning } from './pinning.mjs';

/**
 * What one run of the load generator came to; times in milliseconds.
 *
 * @typedef {object} LoadReport
 * @property {number} count - transactions that succeeded
 * @property {number} errors - others
 * @property {string} [firstError] - one of them
 * @property {number} seconds - how long it took
 * @property {number} p50
 * @property {number} p99
 * @property {number} p999
 */

/**
 * @typedef {object} LoadOptions
 * @property {string} url - HTTP API of a coordinator
 * @property {'saga' | 'empty' | 'tcc' | 'msg' | 'start'} workload - `start` does not wait for results
 * @property {number} connections - transactions in flight
 * @property {string} prefix - beginning of the gids
 * @property {number} seconds - longest time
 * @property {number} [count] - most transactions
 * @property {number} [rate] - transactions a second, started by the clock; otherwise as fast as they end
 */

/**
 * Load generator and participants, written in Go so that they cost little beside what they measure.
 *
 * @typedef {object} Load
 * @property {string} participants - host and port of the branches, over HTTP and gRPC at any path
 * @property {(options: LoadOptions) => Promise<LoadReport>} run
 * @property {(line?: 'up' | 'down') => Promise<number>} calls - branch calls answered so far; `down` makes the
 *   participants refuse connections, `up` ends that
 * @property {() => void} stop
 */

const source = fileURLToPath(new URL('../load', import.meta.url));

/**
 * Builds both and starts the participants, on the core of the load.
 *
 * @returns {Promise<Load>}
 */
export async function startLoad() {
  const program = join(temporaryFolder('load'), 'load');
  const build = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) throw new Error('the load generator could not be built; install Go 1.24 or newer');

  const participants = start(['participants'], 'pipe');
  process.once('exit', () => participants.kill());
  const lines = createInterface({ input: participants.stdout })[Symbol.asyncIterator]();
  const address = String((await lines.next()).value);
  const branches = `http://${address}`;
  return {
    participants: address,
    run: async ({ rate = 0, count = 0, ...options }) => {
      const flags = Object.entries({ ...options, rate, count, branches }).flatMap(([name, value]) => [
        `-${name}`,
        String(value),
      ]);
      const child = start(['run', ...flags], 'ignore');
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      return JSON.parse(text);
    },
    calls: async (line) => {
      participants.stdin?.write(`${line ?? ''}\n`);
      return Number((await lines.next()).value);
    },
    stop: () => void participants.kill(),
  };

  /**
   * @param {readonly string[]} args
   * @param {'pipe' | 'ignore'} stdin
   */
  function start(args, stdin) {
    const [command, ...rest] = [...pinning('load'), program, ...args];
    const child = spawn(/** @type {string} */ (command), rest, { stdio: [stdin, 'pipe', 'inherit'] });
    return /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */ (child);
  }
}
